/// @file
/// @brief Anonymous usage events of the Pact libraries, for C++17 and later.
///
/// One header over pact_telemetry.h. By default the program links against the library. With the macro
/// PACT_TELEMETRY_DLOPEN it loads the library when the first client is made, and a client does nothing where there is
/// none. No function throws, except or_throw(). It needs neither exceptions nor run-time type information.
///
/// @code{.cpp}
/// pact::telemetry::Client telemetry({"my-pact", "My Pact", "1.0.0"});
/// telemetry.pacts_verified(3);
/// @endcode
#ifndef PACT_TELEMETRY_HPP
#define PACT_TELEMETRY_HPP

#include <pact_telemetry.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define PACT_TELEMETRY_HAS_EXCEPTIONS 1
#include <stdexcept>
#endif

#if defined(_WIN32)
#if defined(PACT_TELEMETRY_DLOPEN)
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>
#endif
#elif defined(PACT_TELEMETRY_DLOPEN) || defined(__APPLE__)
#include <dlfcn.h>
#include <unistd.h>
#endif

namespace pact::telemetry
{

// A source file that links against the library and one that loads it have classes of different names, so one program
// may contain both.
#if defined(PACT_TELEMETRY_DLOPEN)
inline namespace loaded
#else
inline namespace linked
#endif
{

/// The result of a call. Telemetry is no reason to stop a test: every outcome may be ignored.
enum class Outcome {
    Ok, ///< Done.
    Disabled, ///< Not queued: the person opted out, or the host program turned telemetry off; see explain().
    NotConfigured, ///< Not queued: Google's endpoint needs credentials, and none were given or built in.
    QueueFull, ///< Not queued: the queue is full, or there is no memory.
    Closed, ///< Not queued: the client was closed.
    Lost, ///< Events were lost that no earlier call told of; stats() says why.
    Kept, ///< Nothing was lost, but some events wait on disk for another attempt.
    ErrorNull, ///< A text that must not be null is null.
    ErrorUtf8, ///< A text is not valid UTF-8.
    ErrorEmpty, ///< A text that must not be empty is empty or blank.
    ErrorTooLong, ///< A text is longer than its limit.
    ErrorForbidden, ///< A text looks like a path, a URL or an address, or it contains a control character.
    ErrorRange, ///< A number is outside its range.
    ErrorTimeout, ///< The time is over and some events still wait. The library goes on with them.
    ErrorInternal, ///< The library failed, or there is no memory for the answer.
    Unavailable, ///< There is no library, or the options are wrong; Client::unavailable_reason() says which.
    Invalid, ///< A text contains a NUL character, or a time is not a number.
    Unknown, ///< A positive status of a newer library, which this header does not know.
    ErrorUnknown ///< A negative status of a newer library, which this header does not know.
};

/// The name of an outcome, the same in all languages, such as "not_configured".
[[nodiscard]] constexpr const char *name(Outcome outcome) noexcept
{
    switch (outcome) {
    case Outcome::Ok:
        return "ok";
    case Outcome::Disabled:
        return "disabled";
    case Outcome::NotConfigured:
        return "not_configured";
    case Outcome::QueueFull:
        return "queue_full";
    case Outcome::Closed:
        return "closed";
    case Outcome::Lost:
        return "lost";
    case Outcome::Kept:
        return "kept";
    case Outcome::ErrorNull:
        return "error_null";
    case Outcome::ErrorUtf8:
        return "error_utf8";
    case Outcome::ErrorEmpty:
        return "error_empty";
    case Outcome::ErrorTooLong:
        return "error_too_long";
    case Outcome::ErrorForbidden:
        return "error_forbidden";
    case Outcome::ErrorRange:
        return "error_range";
    case Outcome::ErrorTimeout:
        return "error_timeout";
    case Outcome::ErrorInternal:
        return "error_internal";
    case Outcome::Unavailable:
        return "unavailable";
    case Outcome::Invalid:
        return "invalid";
    case Outcome::Unknown:
        return "unknown";
    case Outcome::ErrorUnknown:
        break;
    }
    return "error_unknown";
}

/// True for a mistake of the caller, a timeout, or a failure of the library.
[[nodiscard]] constexpr bool is_error(Outcome outcome) noexcept
{
    return outcome == Outcome::Invalid || outcome == Outcome::ErrorUnknown
           || (outcome >= Outcome::ErrorNull && outcome <= Outcome::ErrorInternal);
}

/// The kind of program that reports.
enum class DataSource { Cli, Client, Broker };

/// The protocol of the requests.
enum class Protocol { Ga4, UniversalAnalytics, Otlp };

/// Who shows the notice before anything leaves: the library on standard error, or the host program.
enum class Notice { Stderr, Host, Shown };

/// What identifies the machine: the digest of its hostname, or a random identifier.
enum class Id { Hostname, Random };

/// The library that reports. `id` is its short name, such as "pact-cplusplus".
struct Library {
    std::string id;
    std::string name;
    std::string version;
};

/// The settings of a client. A member without a value has the default of docs/config.md.
struct Options {
    std::optional<DataSource> data_source{}; ///< Default: Client.
    std::optional<std::string> test_framework{}; ///< Default: Catch2 or GoogleTest, if linked in.
    std::optional<std::string> platform_version{}; ///< Default: such as "C++17 GCC 12.2.0".
    std::optional<bool> enabled{}; ///< The host program's switch; true does not overrule the person.
    std::optional<Protocol> protocol{}; ///< Default: Ga4.
    std::optional<std::string> endpoint{}; ///< The URL of another destination.
    std::optional<std::string> measurement_id{}; ///< Of a GA4 data stream, together with `api_secret`.
    std::optional<std::string> api_secret{}; ///< Default: built in.
    std::optional<std::string> tracking_id{}; ///< Of a Universal Analytics property.
    std::optional<std::int64_t> queue_capacity{}; ///< How many events may wait in memory: 1 to 4096.
    std::optional<std::string> state_dir{}; ///< Absolute path of the folder where events wait.
    std::optional<std::chrono::milliseconds> exit_timeout{}; ///< The longest wait at process exit: 0 to 10 seconds.
    std::optional<Notice> notice{}; ///< Default: Stderr.
    std::optional<Id> id{}; ///< Default: Hostname.
    std::map<std::string, std::string> more{}; ///< Other keys of the config, with values in JSON.
};

/// What one rule of consent read and says.
struct Rule {
    std::string rule;
    std::string says; ///< "on", "off" or "no opinion".
    std::optional<std::string> read; ///< What it read: the text, or another value as JSON. None if it read nothing.
    std::optional<std::string> path; ///< The file that it read, if it reads one.
};

/// Whether a client is on, and why. Complete in every state.
struct Explanation {
    Outcome outcome = Outcome::Unavailable; ///< Ok, or why there is no answer.
    std::string reason; ///< Why there is no answer.
    bool enabled = false;
    std::string state = "unavailable";
    std::optional<std::string> rule; ///< The rule that turned it off.
    std::vector<Rule> rules;
    std::optional<std::string> protocol;
    std::optional<std::string> endpoint;
    std::optional<std::string> destination;
    bool configured = false;
    bool debug = false;
    bool ci = false;
    std::chrono::milliseconds exit_timeout{0};
    std::int64_t queue_capacity = 0;
    std::optional<std::string> state_dir;
    std::optional<std::string> id;
    struct {
        std::optional<std::int64_t> shown_ms; ///< Milliseconds since 1970.
        std::optional<std::int64_t> hold_until_ms; ///< Milliseconds since 1970. Nothing leaves before.
        std::string text;
    } notice;
    std::vector<std::string> diagnostics;
    std::string json; ///< The whole answer, for keys that only a newer library has.
};

/// The counters of a client in this process. Complete in every state; docs/config.md describes each key.
struct Stats {
    Outcome outcome = Outcome::Unavailable; ///< Ok, or why there is no answer.
    std::string reason; ///< Why there is no answer.
    std::int64_t accepted = 0;
    std::int64_t delivered = 0;
    std::int64_t unconfirmed = 0;
    std::int64_t queued = 0;
    std::int64_t spooled = 0;
    std::map<std::string, std::int64_t> dropped; ///< By reason. Every reason is there in every state.
    std::map<std::string, std::int64_t> not_accepted; ///< The same.
    std::optional<std::string> last_failure;
    struct {
        std::int64_t delivered = 0;
        std::int64_t unconfirmed = 0;
        std::int64_t dropped = 0;
    } left_by_others;
    std::string json; ///< The whole answer, for keys that only a newer library has.
};

/// The request that would carry an event. Complete in every state.
struct Preview {
    Outcome outcome = Outcome::Unavailable; ///< Ok, or why there is no answer.
    std::string reason; ///< Why there is no answer.
    std::optional<std::string> method;
    std::optional<std::string> url;
    std::optional<std::string> content_type;
    std::optional<std::string> body;
};

/// A text argument: a `const char *`, a `std::string`, a `std::string_view`, or an optional one of them.
///
/// It is a view: the text must live until the call returns. Only a `std::string_view` is copied, because it may not end
/// with a NUL.
class Text
{
  public:
    constexpr Text() noexcept = default;
    constexpr Text(std::nullptr_t) noexcept {}
    constexpr Text(std::nullopt_t) noexcept {}
    constexpr Text(const char *text) noexcept : start_(text) {}
    Text(const std::string &text) noexcept : start_(text.c_str()), length_(text.size()), kind_(Kind::String) {}
    constexpr Text(std::string_view text) noexcept
        : start_(text.data() == nullptr ? "" : text.data()), length_(text.size()), kind_(Kind::View)
    {
    }
    template <typename T> Text(const std::optional<T> &text) noexcept : Text(text ? Text(*text) : Text()) {}

    /// The size of a copy that ends with a NUL, in bytes: 0 if no copy is needed.
    [[nodiscard]] std::size_t size_of_copy() const noexcept { return kind_ == Kind::View ? length_ + 1 : 0; }

    /// Whether the text contains a NUL, which C would take for its end.
    [[nodiscard]] bool has_nul() const noexcept
    {
        return kind_ != Kind::CString && length_ > 0 && std::memchr(start_, 0, length_) != nullptr;
    }

    /// The text for C. A copy is written to `free`, which then points behind the copy.
    [[nodiscard]] const char *terminated(char *&free) const noexcept
    {
        if (kind_ != Kind::View) {
            return start_;
        }
        char *copy = free;
        std::memcpy(copy, start_, length_);
        copy[length_] = '\0';
        free += length_ + 1;
        return copy;
    }

  private:
    enum class Kind { CString, String, View };
    const char *start_ = nullptr;
    std::size_t length_ = 0;
    Kind kind_ = Kind::CString;
};

/// Not for callers: it may change at any time.
namespace detail
{

/// The functions of the C library, with the types of pact_telemetry.h.
struct Native {
    decltype(&pact_telemetry_abi_version) abi_version = nullptr;
    decltype(&pact_telemetry_version) version = nullptr;
    decltype(&pact_telemetry_status_name) status_name = nullptr;
    decltype(&pact_telemetry_new) create = nullptr;
    decltype(&pact_telemetry_track) track = nullptr;
    decltype(&pact_telemetry_set_enabled) set_enabled = nullptr;
    decltype(&pact_telemetry_is_enabled) is_enabled = nullptr;
    decltype(&pact_telemetry_explain) explain = nullptr;
    decltype(&pact_telemetry_preview) preview = nullptr;
    decltype(&pact_telemetry_stats) stats = nullptr;
    decltype(&pact_telemetry_persist) persist = nullptr;
    decltype(&pact_telemetry_flush) flush = nullptr;
    decltype(&pact_telemetry_close) close = nullptr;
    decltype(&pact_telemetry_free) free = nullptr;
};

/// The library, or why there is none.
struct Loaded {
    Native native;
    std::string reason;
};

inline void check_abi(Loaded &into, const std::string &source)
{
    const std::uint32_t abi = into.native.abi_version();
    if (abi != PACT_TELEMETRY_ABI_VERSION) {
        into.reason = source + " cannot be used: its ABI is " + std::to_string(abi)
                      + ", but this program was compiled for " + std::to_string(PACT_TELEMETRY_ABI_VERSION);
    }
}

#if defined(PACT_TELEMETRY_DLOPEN)

#if defined(_WIN32)
inline constexpr const char *SYSTEM_LIBRARY = "pact_telemetry.dll";
inline void *open_library(const char *path)
{
    return reinterpret_cast<void *>(::LoadLibraryA(path));
}
inline void *find_function(void *library, const char *function)
{
    return reinterpret_cast<void *>(::GetProcAddress(static_cast<HMODULE>(library), function));
}
inline std::string why_not()
{
    return "error " + std::to_string(::GetLastError());
}
#else
#if defined(__APPLE__)
inline constexpr const char *SYSTEM_LIBRARY = "libpact_telemetry.1.dylib";
#else
inline constexpr const char *SYSTEM_LIBRARY = "libpact_telemetry.so.1";
#endif
inline void *open_library(const char *path)
{
    return ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
}
inline void *find_function(void *library, const char *function)
{
    return ::dlsym(library, function);
}
inline std::string why_not()
{
    const char *why = ::dlerror();
    return why == nullptr ? "no reason is known" : why;
}
#endif

template <typename Function> bool find(void *library, Function &into, const char *function)
{
    into = reinterpret_cast<Function>(find_function(library, function));
    return into != nullptr;
}

inline bool find_all(void *library, Native &into)
{
    return find(library, into.abi_version, "pact_telemetry_abi_version")
           && find(library, into.version, "pact_telemetry_version")
           && find(library, into.status_name, "pact_telemetry_status_name")
           && find(library, into.create, "pact_telemetry_new") && find(library, into.track, "pact_telemetry_track")
           && find(library, into.set_enabled, "pact_telemetry_set_enabled")
           && find(library, into.is_enabled, "pact_telemetry_is_enabled")
           && find(library, into.explain, "pact_telemetry_explain")
           && find(library, into.preview, "pact_telemetry_preview") && find(library, into.stats, "pact_telemetry_stats")
           && find(library, into.persist, "pact_telemetry_persist") && find(library, into.flush, "pact_telemetry_flush")
           && find(library, into.close, "pact_telemetry_close") && find(library, into.free, "pact_telemetry_free");
}

/// The file that PACT_TELEMETRY_LIBRARY names. Null in a program with more rights than the person who started it
/// (set-user-ID): that person must not choose the code that it runs.
inline const char *chosen_library() noexcept
{
#if defined(__linux__)
    return ::secure_getenv("PACT_TELEMETRY_LIBRARY");
#elif defined(_WIN32)
    return std::getenv("PACT_TELEMETRY_LIBRARY");
#else
    return ::issetugid() == 0 ? std::getenv("PACT_TELEMETRY_LIBRARY") : nullptr;
#endif
}

/// Loads the file that PACT_TELEMETRY_LIBRARY names, if that is set, and tries nothing else then. Otherwise tries the
/// library of the package, whose path CMake gives, and then the system's.
inline Loaded load()
{
    Loaded loaded;
    std::string path;
    std::string source;
    void *library = nullptr;
    const char *given = chosen_library();
    if (given != nullptr && *given != '\0') {
        path = given;
        source = "the library named by PACT_TELEMETRY_LIBRARY";
        library = open_library(path.c_str());
    } else {
#if defined(PACT_TELEMETRY_PACKAGED_LIBRARY)
        path = PACT_TELEMETRY_PACKAGED_LIBRARY;
        source = "the library of the package";
        library = open_library(path.c_str());
        const std::string first = library == nullptr ? source + " cannot be used: " + why_not() : "";
#else
        const std::string first = "the package has no library for this platform";
#endif
        if (library == nullptr) {
            source = first + ", PACT_TELEMETRY_LIBRARY is not set, and the system's library";
            library = open_library(SYSTEM_LIBRARY);
        }
    }
    if (library == nullptr || !find_all(library, loaded.native)) {
        loaded.reason = source + " cannot be used: " + why_not();
    } else {
        check_abi(loaded, source);
    }
    return loaded;
}

#else

inline Loaded load()
{
    Loaded loaded;
    loaded.native = {&pact_telemetry_abi_version, &pact_telemetry_version, &pact_telemetry_status_name,
                     &pact_telemetry_new,         &pact_telemetry_track,   &pact_telemetry_set_enabled,
                     &pact_telemetry_is_enabled,  &pact_telemetry_explain, &pact_telemetry_preview,
                     &pact_telemetry_stats,       &pact_telemetry_persist, &pact_telemetry_flush,
                     &pact_telemetry_close,       &pact_telemetry_free};
    check_abi(loaded, "the linked library");
    return loaded;
}

#endif

/// Loaded once in a process, by the first client. Never released: a client may be used while the process exits.
inline const Loaded &library()
{
    static const Loaded *const loaded = new Loaded(load());
    return *loaded;
}

/// Calls the function. Returns the fallback if the standard library throws, for example because there is no memory.
template <typename Result, typename Function> Result guard(Result fallback, Function function) noexcept
{
#if defined(PACT_TELEMETRY_HAS_EXCEPTIONS)
    try {
        return function();
    } catch (...) {
        return fallback;
    }
#else
    static_cast<void>(fallback);
    return function();
#endif
}

constexpr Outcome outcome_of(std::int32_t status) noexcept
{
    if (status >= PACT_TELEMETRY_OK && status <= PACT_TELEMETRY_KEPT) {
        return static_cast<Outcome>(status);
    }
    if (status < 0 && status >= PACT_TELEMETRY_ERROR_INTERNAL) {
        return static_cast<Outcome>(PACT_TELEMETRY_KEPT - status);
    }
    return status > 0 ? Outcome::Unknown : Outcome::ErrorUnknown;
}
static_assert(outcome_of(PACT_TELEMETRY_KEPT) == Outcome::Kept);
static_assert(outcome_of(PACT_TELEMETRY_ERROR_NULL) == Outcome::ErrorNull);
static_assert(outcome_of(PACT_TELEMETRY_ERROR_INTERNAL) == Outcome::ErrorInternal);

/// The time in milliseconds, rounded up, so that a short wait is still a wait. No value if the time is not a number.
template <typename Rep, typename Period>
std::optional<std::uint32_t> milliseconds(std::chrono::duration<Rep, Period> time) noexcept
{
    constexpr std::uint32_t LONGEST = 0xFFFFFFFF;
    const double count = std::ceil(std::chrono::duration<double, std::milli>(time).count());
    if (std::isnan(count)) {
        return std::nullopt;
    }
    return count <= 0 ? 0 : count >= LONGEST ? LONGEST : static_cast<std::uint32_t>(count);
}

/// The text as JSON, with its quotes.
inline std::string quoted(std::string_view text)
{
    static constexpr const char *DIGITS = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            out += "\\u00";
            out += DIGITS[byte >> 4U];
            out += DIGITS[byte & 0xFU];
        } else {
            out += c;
        }
    }
    return out += '"';
}

/// A JSON value. Members of an object and elements of a list are `children`; a number is kept as text.
struct Json {
    enum class Kind { Missing, Null, Literal, Text, List, Object };
    Kind kind = Kind::Missing;
    std::string key;
    std::string text;
    std::vector<Json> children;

    [[nodiscard]] const Json &operator[](std::string_view wanted) const
    {
        static const Json *const MISSING = new Json; // never released: a process may ask while it exits
        for (const Json &child : children) {
            if (child.key == wanted) {
                return child;
            }
        }
        return *MISSING;
    }
    [[nodiscard]] bool boolean() const { return kind == Kind::Literal && text == "true"; }
    [[nodiscard]] std::optional<std::int64_t> number() const
    {
        return kind == Kind::Literal ? std::optional<std::int64_t>(std::strtoll(text.c_str(), nullptr, 10))
                                     : std::nullopt;
    }
    [[nodiscard]] std::optional<std::string> string() const
    {
        return kind == Kind::Text || kind == Kind::Literal ? std::optional<std::string>(text) : std::nullopt;
    }
};

/// Reads JSON. It is written here because this header depends on the standard library alone.
class JsonReader
{
  public:
    /// Returns the value, or a value of the kind Missing if the text is not JSON.
    static Json read(std::string_view text)
    {
        JsonReader reader(text);
        Json value;
        const bool whole = reader.value(value, 0) && (reader.blanks(), reader.rest_.empty());
        return whole ? value : Json();
    }

  private:
    static constexpr int DEEPEST = 64;
    explicit JsonReader(std::string_view text) : rest_(text) {}

    void blanks()
    {
        const auto next = rest_.find_first_not_of(" \t\r\n");
        rest_.remove_prefix(next == std::string_view::npos ? rest_.size() : next);
    }

    bool take(char wanted)
    {
        blanks();
        if (rest_.empty() || rest_.front() != wanted) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    bool value(Json &into, int depth)
    {
        blanks();
        if (rest_.empty() || depth > DEEPEST) {
            return false;
        }
        if (rest_.front() == '"') {
            into.kind = Json::Kind::Text;
            return string(into.text);
        }
        if (take('{')) {
            into.kind = Json::Kind::Object;
            return children(into, '}', depth);
        }
        if (take('[')) {
            into.kind = Json::Kind::List;
            return children(into, ']', depth);
        }
        into.text = rest_.substr(0, rest_.find_first_of(" \t\r\n,]}"));
        rest_.remove_prefix(into.text.size());
        into.kind = into.text == "null" ? Json::Kind::Null : Json::Kind::Literal;
        return into.text == "null" || into.text == "true" || into.text == "false"
               || (!into.text.empty() && into.text.find_first_not_of("+-.0123456789eE") == std::string::npos);
    }

    bool children(Json &into, char end, int depth)
    {
        if (take(end)) {
            return true;
        }
        do {
            Json child;
            if (into.kind == Json::Kind::Object && (blanks(), !(string(child.key) && take(':')))) {
                return false;
            }
            if (!value(child, depth + 1)) {
                return false;
            }
            into.children.push_back(std::move(child));
        } while (take(','));
        return take(end);
    }

    bool string(std::string &into)
    {
        if (!take('"')) {
            return false;
        }
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') {
                return true;
            }
            if (c != '\\') {
                into += c;
            } else if (!escape(into)) {
                return false;
            }
        }
        return false;
    }

    bool escape(std::string &into)
    {
        static constexpr std::string_view NAMES = "\"\\/bfnrt";
        static constexpr std::string_view VALUES = "\"\\/\b\f\n\r\t";
        if (rest_.empty()) {
            return false;
        }
        const char c = rest_.front();
        rest_.remove_prefix(1);
        const auto known = NAMES.find(c);
        if (known != std::string_view::npos) {
            into += VALUES[known];
            return true;
        }
        std::uint32_t code = 0;
        if (c != 'u' || !hex(code)) {
            return false;
        }
        if (code >= 0xD800 && code < 0xDC00) {
            std::uint32_t low = 0;
            if (rest_.substr(0, 2) != "\\u" || (rest_.remove_prefix(2), !hex(low)) || low < 0xDC00 || low > 0xDFFF) {
                return false;
            }
            code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
        }
        utf8(into, code);
        return true;
    }

    bool hex(std::uint32_t &into)
    {
        static constexpr std::string_view DIGITS = "0123456789abcdef0123456789ABCDEF";
        if (rest_.size() < 4) {
            return false;
        }
        for (const char c : rest_.substr(0, 4)) {
            const auto digit = DIGITS.find(c);
            if (digit == std::string_view::npos) {
                return false;
            }
            into = into * 16 + static_cast<std::uint32_t>(digit % 16);
        }
        rest_.remove_prefix(4);
        return true;
    }

    static void utf8(std::string &into, std::uint32_t code)
    {
        const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        static constexpr std::uint32_t FIRST[] = {0, 0xC0, 0xE0, 0xF0};
        into += static_cast<char>(FIRST[more] | (code >> (6U * static_cast<unsigned>(more))));
        for (int left = more - 1; left >= 0; --left) {
            into += static_cast<char>(0x80U | ((code >> (6U * static_cast<unsigned>(left))) & 0x3FU));
        }
    }

    std::string_view rest_;
};

#if defined(__ELF__) && (defined(__GNUC__) || defined(__clang__))
// Null unless the program is linked with the framework: a weak reference does not make the linker add it.
extern "C" {
__attribute__((weak)) void pact_telemetry_has_catch2() __asm__("_ZN5Catch14getRegistryHubEv");
__attribute__((weak)) void pact_telemetry_has_googletest() __asm__("_ZN7testing8UnitTest11GetInstanceEv");
}
inline bool has_catch2() noexcept
{
    return &pact_telemetry_has_catch2 != nullptr;
}
inline bool has_googletest() noexcept
{
    return &pact_telemetry_has_googletest != nullptr;
}
#elif defined(__APPLE__)
inline bool has_catch2() noexcept
{
    return ::dlsym(RTLD_DEFAULT, "_ZN5Catch14getRegistryHubEv") != nullptr;
}
inline bool has_googletest() noexcept
{
    return ::dlsym(RTLD_DEFAULT, "_ZN7testing8UnitTest11GetInstanceEv") != nullptr;
}
#else
    inline bool has_catch2() noexcept
    {
        return false;
    }
    inline bool has_googletest() noexcept
    {
        return false;
    }
#endif

/// The framework that runs this process, if one is found. Catch2 comes first, because its tests may use GoogleMock.
inline std::optional<std::string> test_framework()
{
    if (has_catch2()) {
        return "Catch2";
    }
    return has_googletest() ? std::optional<std::string>("GoogleTest") : std::nullopt;
}

/// The C++ standard and the compiler, such as "C++17 GCC 12.2.0".
inline std::string platform_version()
{
#if defined(_MSVC_LANG)
    constexpr long STANDARD = _MSVC_LANG;
#else
    constexpr long STANDARD = __cplusplus;
#endif
    const char *standard = STANDARD > 202002L ? "C++23" : STANDARD > 201703L ? "C++20" : "C++17";
#if defined(__clang__)
    const std::string compiler = " Clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__)
                                 + "." + std::to_string(__clang_patchlevel__);
#elif defined(__GNUC__)
    const std::string compiler = " GCC " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "."
                                 + std::to_string(__GNUC_PATCHLEVEL__);
#elif defined(_MSC_VER)
        const std::string compiler = " MSVC " + std::to_string(_MSC_VER / 100) + "." + std::to_string(_MSC_VER % 100);
#else
        const std::string compiler;
#endif
    return standard + compiler;
}

/// The config of pact_telemetry_new().
inline std::string config(const Library &library, const Options &options)
{
    static constexpr const char *DATA_SOURCES[] = {"cli", "client", "broker"};
    static constexpr const char *PROTOCOLS[] = {"ga4", "universal-analytics", "otlp"};
    static constexpr const char *NOTICES[] = {"stderr", "host", "shown"};
    static constexpr const char *IDS[] = {"hostname", "random"};
    std::map<std::string, std::string> values = options.more;
    const auto text = [&values](const char *key, const std::optional<std::string> &value) {
        if (value) {
            values.emplace(key, quoted(*value));
        }
    };
    const auto word = [&values](const char *key, const auto &value, const auto &words) {
        if (value) {
            values.emplace(key, quoted(words[static_cast<std::size_t>(*value)]));
        }
    };
    values.emplace("library", "{\"id\":" + quoted(library.id) + ",\"name\":" + quoted(library.name)
                                  + ",\"version\":" + quoted(library.version) + "}");
    word("data_source", options.data_source, DATA_SOURCES);
    word("protocol", options.protocol, PROTOCOLS);
    word("notice", options.notice, NOTICES);
    word("id", options.id, IDS);
    text("test_framework", options.test_framework ? options.test_framework : test_framework());
    text("platform_version", options.platform_version ? options.platform_version : platform_version());
    text("endpoint", options.endpoint);
    text("measurement_id", options.measurement_id);
    text("api_secret", options.api_secret);
    text("tracking_id", options.tracking_id);
    text("state_dir", options.state_dir);
    if (options.enabled) {
        values.emplace("enabled", *options.enabled ? "true" : "false");
    }
    if (options.queue_capacity) {
        values.emplace("queue_capacity", std::to_string(*options.queue_capacity));
    }
    if (options.exit_timeout) {
        values.emplace("exit_timeout_ms", std::to_string(options.exit_timeout->count()));
    }
    std::string json;
    for (const auto &[key, value] : values) {
        json += (json.empty() ? "{" : ",") + quoted(key) + ":" + value;
    }
    return json + "}";
}

/// The counters of an object. Each of the names is there, and counts 0 if the object lacks it.
inline std::map<std::string, std::int64_t> counts(const Json &object, std::initializer_list<const char *> names)
{
    std::map<std::string, std::int64_t> out;
    for (const char *one : names) {
        out.emplace(one, 0);
    }
    for (const Json &child : object.children) {
        out[child.key] = child.number().value_or(0);
    }
    return out;
}

inline void read(const Json &json, Explanation &into)
{
    into.enabled = json["enabled"].boolean();
    into.state = json["state"].text;
    into.rule = json["rule"].string();
    for (const Json &one : json["rules"].children) {
        into.rules.push_back({one["rule"].text, one["says"].text, one["read"].string(), one["path"].string()});
    }
    into.protocol = json["protocol"].string();
    into.endpoint = json["endpoint"].string();
    into.destination = json["destination"].string();
    into.configured = json["configured"].boolean();
    into.debug = json["debug"].boolean();
    into.ci = json["ci"].boolean();
    into.exit_timeout = std::chrono::milliseconds(json["exit_timeout_ms"].number().value_or(0));
    into.queue_capacity = json["queue_capacity"].number().value_or(0);
    into.state_dir = json["state_dir"].string();
    into.id = json["id"].string();
    into.notice.shown_ms = json["notice"]["shown_ms"].number();
    into.notice.hold_until_ms = json["notice"]["hold_until_ms"].number();
    into.notice.text = json["notice"]["text"].text;
    for (const Json &one : json["diagnostics"].children) {
        into.diagnostics.push_back(one.text);
    }
}

inline void read(const Json &json, Stats &into)
{
    into.accepted = json["accepted"].number().value_or(0);
    into.delivered = json["delivered"].number().value_or(0);
    into.unconfirmed = json["unconfirmed"].number().value_or(0);
    into.queued = json["queued"].number().value_or(0);
    into.spooled = json["spooled"].number().value_or(0);
    into.dropped = counts(json["dropped"], {"opted_out", "debug", "http_status", "expired", "spool_full", "no_notice",
                                            "not_persisted", "internal"});
    into.not_accepted = counts(json["not_accepted"], {"disabled", "not_configured", "queue_full", "closed", "invalid"});
    into.last_failure = json["last_failure"].string();
    const Json &others = json["left_by_others"];
    into.left_by_others.delivered = others["delivered"].number().value_or(0);
    into.left_by_others.unconfirmed = others["unconfirmed"].number().value_or(0);
    into.left_by_others.dropped = others["dropped"].number().value_or(0);
}

inline void read(const Json &json, Preview &into)
{
    into.method = json["method"].string();
    into.url = json["url"].string();
    into.content_type = json["content_type"].string();
    into.body = json["body"].string();
}

} // namespace detail

/// Reports the events of one library.
///
/// Every member function may be called on any thread at any time, except moves and the destructor. None throws, and
/// none waits except persist(), flush() and close(). If the library cannot be loaded or an option is wrong, the client
/// does nothing and unavailable_reason() says why. The destructor waits for nothing and loses no event. After `fork`,
/// the child may go on using the client.
class Client
{
  public:
    /// Makes a client. It starts no thread, opens no socket and writes no file before the first accepted event.
    ///
    /// Blocks as pact_telemetry_new() does. With PACT_TELEMETRY_DLOPEN, the first client also loads the library.
    explicit Client(const Library &library, const Options &options = {}) noexcept
    {
        detail::guard(false, [&] { return make(library, options); });
    }
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;
    /// The other client does nothing afterwards.
    Client(Client &&other) noexcept { swap(other); }
    /// Releases the native client that this object had. The other client does nothing afterwards.
    Client &operator=(Client &&other) noexcept
    {
        Client taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~Client()
    {
        if (client_ != nullptr) {
            native_->free(client_);
        }
    }

    /// Why this client does nothing. No value if it works.
    [[nodiscard]] std::optional<std::string_view> unavailable_reason() const noexcept
    {
        if (client_ != nullptr) {
            return std::nullopt;
        }
        return reason_.empty() ? std::string_view("the client was moved, or there is no memory")
                               : std::string_view(reason_);
    }

    /// Queues an event. Never waits. Returns Ok, or why the event was not queued.
    ///
    /// @param event,action Not blank, at most 500 bytes of UTF-8.
    /// @param category Not blank, at most 150 bytes.
    /// @param value A count that belongs to the event: zero or more.
    /// @param plugin_name,plugin_version At most 150 bytes; null or empty for none.
    Outcome track(Text event, Text category, Text action, std::int64_t value = 1, Text plugin_name = {},
                  Text plugin_version = {}) noexcept
    {
        if (client_ == nullptr) {
            return Outcome::Unavailable;
        }
        const auto call = [&](const char *const *texts) {
            return detail::outcome_of(native_->track(client_, texts[0], texts[1], texts[2], value, texts[3], texts[4]));
        };
        return with_texts({event, category, action, plugin_name, plugin_version}, call);
    }

    /// The same for texts that end with a NUL. It costs as much as the C call.
    Outcome track(const char *event, const char *category, const char *action, std::int64_t value = 1,
                  const char *plugin_name = nullptr, const char *plugin_version = nullptr) noexcept
    {
        if (client_ == nullptr) {
            return Outcome::Unavailable;
        }
        return detail::outcome_of(native_->track(client_, event, category, action, value, plugin_name, plugin_version));
    }

    /// A run of consumer tests ended; `count` is the number of interactions.
    Outcome consumer_tests_ran(std::int64_t count) noexcept
    {
        return track(PACT_TELEMETRY_EVENT_PACT_CONSUMER_TESTS_RAN, PACT_TELEMETRY_CATEGORY_CONSUMER_TEST,
                     PACT_TELEMETRY_ACTION_COMPLETED, count);
    }

    /// A provider verification ended; `count` is the number of results.
    Outcome pacts_verified(std::int64_t count) noexcept
    {
        return track(PACT_TELEMETRY_EVENT_PACTS_VERIFIED, PACT_TELEMETRY_CATEGORY_PROVIDER_TEST,
                     PACT_TELEMETRY_ACTION_COMPLETED, count);
    }

    /// A plugin was loaded.
    Outcome plugin_loaded(Text plugin_name, Text plugin_version) noexcept
    {
        return track(PACT_TELEMETRY_EVENT_PLUGIN_LOADED, PACT_TELEMETRY_CATEGORY_PLUGIN, PACT_TELEMETRY_ACTION_LOADED,
                     1, plugin_name, plugin_version);
    }

    /// A mock server was started.
    Outcome mock_server_started() noexcept
    {
        return track(PACT_TELEMETRY_EVENT_PACT_MOCK_SERVER_STARTED, PACT_TELEMETRY_CATEGORY_CONSUMER_TEST,
                     PACT_TELEMETRY_ACTION_MOCK_SERVER_STARTED);
    }

    /// Tells whether an event would be queued now. Each call looks at the environment again.
    [[nodiscard]] bool is_enabled() const noexcept { return client_ != nullptr && native_->is_enabled(client_) == 1; }

    /// Off: queued events are dropped, and no further event of this client leaves. On: the person's choice still holds.
    void set_enabled(bool enabled) noexcept
    {
        if (client_ != nullptr) {
            native_->set_enabled(client_, enabled ? 1 : 0);
        }
    }

    /// Puts every event that was accepted before on disk, and waits until it is there, at most `timeout`. It waits for
    /// no server. Kept: the events are on disk. Ok: no event waits. Lost, ErrorTimeout: not every event is on disk.
    template <typename Rep, typename Period> Outcome persist(std::chrono::duration<Rep, Period> timeout) noexcept
    {
        return wait(timeout, &detail::Native::persist);
    }
    /// The same, for at most one second.
    Outcome persist() noexcept { return persist(std::chrono::seconds(1)); }

    /// Sends every event that was accepted before, and waits for the answers, at most `timeout`.
    template <typename Rep, typename Period> Outcome flush(std::chrono::duration<Rep, Period> timeout) noexcept
    {
        return wait(timeout, &detail::Native::flush);
    }
    /// The same, for at most one second.
    Outcome flush() noexcept { return flush(std::chrono::seconds(1)); }

    /// Accepts no more events, then does what flush() does. A further call waits for the events that are left.
    template <typename Rep, typename Period> Outcome close(std::chrono::duration<Rep, Period> timeout) noexcept
    {
        return wait(timeout, &detail::Native::close);
    }
    /// The same, for at most one second.
    Outcome close() noexcept { return close(std::chrono::seconds(1)); }

    /// Tells whether the client is on, which rule decided, and what each rule read.
    [[nodiscard]] Explanation explain() const noexcept
    {
        return answer<Explanation>(
            [this](char *out, std::uint32_t size) { return native_->explain(client_, out, size); });
    }

    /// Tells what became of the events of this client in this process.
    [[nodiscard]] Stats stats() const noexcept
    {
        return answer<Stats>([this](char *out, std::uint32_t size) { return native_->stats(client_, out, size); });
    }

    /// Shows the request that would carry this event alone. Sends nothing.
    [[nodiscard]] Preview preview(Text event, Text category, Text action, std::int64_t value = 1, Text plugin_name = {},
                                  Text plugin_version = {}) const noexcept
    {
        if (client_ == nullptr) {
            return refused<Preview>(Outcome::Unavailable); // whatever the texts are, as track() does
        }
        Preview shown;
        const auto call = [&](const char *const *texts) {
            shown = answer<Preview>([&](char *out, std::uint32_t size) {
                return native_->preview(client_, texts[0], texts[1], texts[2], value, texts[3], texts[4], out, size);
            });
            return shown.outcome;
        };
        const Outcome outcome = with_texts({event, category, action, plugin_name, plugin_version}, call);
        if (shown.outcome != outcome) {
            shown = refused<Preview>(outcome);
        }
        return shown;
    }

  private:
    static constexpr std::size_t TEXTS = 5;
    /// The sum of the limits of the five texts, and their NULs.
    static constexpr std::size_t ON_STACK = 500 + 150 + 500 + 150 + 150 + TEXTS;

    void swap(Client &other) noexcept
    {
        std::swap(native_, other.native_);
        std::swap(client_, other.client_);
        reason_.swap(other.reason_);
    }

    bool make(const Library &library, const Options &options)
    {
        const detail::Loaded &loaded = detail::library();
        if (!loaded.reason.empty()) {
            reason_ = loaded.reason;
            return false;
        }
        for (const auto &[key, value] : options.more) {
            if (detail::JsonReader::read(value).kind == detail::Json::Kind::Missing) {
                reason_ = "the options cannot be used: `more` has no JSON for " + key;
                return false;
            }
        }
        char error[1024] = "";
        const std::string config = detail::config(library, options);
        native_ = &loaded.native;
        client_ = native_->create(config.c_str(), error, sizeof error);
        if (client_ == nullptr) {
            reason_ = error;
        }
        return client_ != nullptr;
    }

    /// Calls the function with texts that end with a NUL, without an allocation unless they exceed their limits.
    template <typename Function> static Outcome with_texts(const Text (&texts)[TEXTS], const Function &call) noexcept
    {
        std::size_t size = 0;
        bool has_nul = false;
        for (const Text &text : texts) {
            size += text.size_of_copy();
            has_nul = has_nul || text.has_nul();
        }
        if (has_nul) {
            return Outcome::Invalid;
        }
        char on_stack[ON_STACK]; // not initialised: only what is copied is read
        std::unique_ptr<char[]> on_heap(size > sizeof on_stack ? new (std::nothrow) char[size] : nullptr);
        if (size > sizeof on_stack && on_heap == nullptr) {
            return Outcome::ErrorInternal;
        }
        char *free = size > sizeof on_stack ? on_heap.get() : on_stack;
        const char *terminated[TEXTS];
        for (std::size_t index = 0; index < TEXTS; ++index) {
            terminated[index] = texts[index].terminated(free);
        }
        return call(terminated);
    }

    template <typename Rep, typename Period, typename Function>
    Outcome wait(std::chrono::duration<Rep, Period> timeout, Function detail::Native::*function) noexcept
    {
        if (client_ == nullptr) {
            return Outcome::Ok; // there is nothing to wait for
        }
        const std::optional<std::uint32_t> time = detail::milliseconds(timeout);
        return time ? detail::outcome_of((native_->*function)(client_, *time)) : Outcome::Invalid;
    }

    template <typename Answer> [[nodiscard]] Answer refused(Outcome outcome) const noexcept
    {
        Answer neutral;
        neutral.outcome = outcome;
        return detail::guard(neutral, [&] {
            Answer answer;
            if constexpr (std::is_same_v<Answer, Stats>) {
                detail::read(detail::Json(), answer); // every counter is there
            }
            answer.outcome = outcome;
            answer.reason = outcome == Outcome::Unavailable
                                ? std::string(unavailable_reason().value_or(""))
                                : std::string("the library cannot answer: ") + name(outcome);
            return answer;
        });
    }

    /// The answer of the library, or an empty answer with the reason why there is none.
    template <typename Answer, typename Function> [[nodiscard]] Answer answer(const Function &ask) const noexcept
    {
        if (client_ == nullptr) {
            return refused<Answer>(Outcome::Unavailable);
        }
        Answer neutral;
        neutral.outcome = Outcome::ErrorInternal;
        return detail::guard(neutral, [&] {
            std::string text(4096, '\0');
            while (true) {
                const std::int32_t length = ask(text.data(), static_cast<std::uint32_t>(text.size()));
                if (length < 0) {
                    return refused<Answer>(detail::outcome_of(length));
                }
                const auto size = static_cast<std::size_t>(length);
                if (size < text.size()) {
                    text.resize(size);
                    return parsed<Answer>(std::move(text));
                }
                text.resize(size + 64); // counters may grow by a digit between two calls
            }
        });
    }

    template <typename Answer> [[nodiscard]] Answer parsed(std::string &&text) const
    {
        const detail::Json json = detail::JsonReader::read(text);
        if (json.kind != detail::Json::Kind::Object) {
            return refused<Answer>(Outcome::ErrorInternal);
        }
        Answer answer;
        answer.outcome = Outcome::Ok;
        detail::read(json, answer);
        if constexpr (!std::is_same_v<Answer, Preview>) {
            answer.json = std::move(text);
        }
        return answer;
    }

    const detail::Native *native_ = nullptr;
    PactTelemetry *client_ = nullptr;
    std::string reason_;
};

#if defined(PACT_TELEMETRY_HAS_EXCEPTIONS)

/// Thrown by or_throw(), and by nothing else.
class Error : public std::runtime_error
{
  public:
    Error(Outcome outcome, const std::string &what) : std::runtime_error(what), outcome_(outcome) {}
    [[nodiscard]] Outcome outcome() const noexcept { return outcome_; }

  private:
    Outcome outcome_;
};

/// For those who want exceptions: throws Error for an error and for Unavailable, and returns any other outcome.
inline Outcome or_throw(Outcome outcome)
{
    if (is_error(outcome) || outcome == Outcome::Unavailable) {
        throw Error(outcome, std::string("pact telemetry: ") + name(outcome));
    }
    return outcome;
}

/// For those who want exceptions: throws Error if the client does nothing, with the reason.
inline Client or_throw(Client &&client)
{
    if (const auto reason = client.unavailable_reason()) {
        throw Error(Outcome::Unavailable, std::string(*reason));
    }
    return std::move(client);
}

#endif

} // namespace

} // namespace pact::telemetry

#endif // PACT_TELEMETRY_HPP
