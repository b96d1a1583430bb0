// Replays conformance cases through the native layer. Each line of the input is a JSON object, and so is each line of
// the output.
#include <pact_telemetry.hpp>

#include <iostream>

namespace
{

using pact::telemetry::detail::Json;
using pact::telemetry::detail::JsonReader;
using pact::telemetry::detail::Native;
using pact::telemetry::detail::quoted;

const char *const UNSUPPORTED = "\"unsupported\"";

// A text argument, which is null, a text, or the bytes of {"hex": …}.
struct Argument {
    explicit Argument(const Json &json) : is_null(json.kind != Json::Kind::Text && json.kind != Json::Kind::Object)
    {
        bytes = json.text;
        const std::string &hex = json["hex"].text;
        for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
            bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
        }
    }
    [[nodiscard]] const char *c_str() const { return is_null ? nullptr : bytes.c_str(); }
    // C would take the NUL for the end of the text.
    [[nodiscard]] bool has_nul() const { return bytes.find('\0') != std::string::npos; }

    bool is_null;
    std::string bytes;
};

std::string text(const char *buffer, std::size_t capacity)
{
    return capacity == 0 ? "\"\"" : quoted({buffer, strnlen(buffer, capacity)});
}

// The text that a function writes into a buffer of exactly this size, or the status that it returns instead.
template <typename Function> std::string written(std::size_t capacity, const Function &write)
{
    const std::unique_ptr<char[]> buffer(new char[capacity]);
    const std::int32_t returned = write(buffer.get(), static_cast<std::uint32_t>(capacity));
    return returned < 0 ? std::to_string(returned) : text(buffer.get(), capacity);
}

std::string change_environment(const Json &call)
{
    const Json &value = call["value"];
    const char *name = call["name"].text.c_str();
    const bool is_text = value.kind == Json::Kind::Text;
    return std::to_string(is_text ? ::setenv(name, value.text.c_str(), 1) : ::unsetenv(name));
}

std::string answer(const Native &native, PactTelemetry *client, const Json &call)
{
    const std::string &name = call["call"].text;
    const Argument event(call["event"]);
    const Argument category(call["category"]);
    const Argument action(call["action"]);
    const Argument plugin(call["plugin_name"]);
    const Argument version(call["plugin_version"]);
    for (const Argument *one : {&event, &category, &action, &plugin, &version}) {
        if (one->has_nul()) {
            return UNSUPPORTED;
        }
    }
    const auto number = [&call](const char *key, std::int64_t otherwise = 0) {
        return call[key].number().value_or(otherwise);
    };
    const auto capacity = static_cast<std::size_t>(number("capacity", 65536));
    const auto timeout = static_cast<std::uint32_t>(number("timeout_ms"));
    if (name == "track") {
        return std::to_string(native.track(client, event.c_str(), category.c_str(), action.c_str(), number("value"),
                                           plugin.c_str(), version.c_str()));
    }
    if (name == "preview") {
        return written(capacity, [&](char *out, std::uint32_t size) {
            return native.preview(client, event.c_str(), category.c_str(), action.c_str(), number("value"),
                                  plugin.c_str(), version.c_str(), out, size);
        });
    }
    if (name == "explain") {
        return written(capacity, [&](char *out, std::uint32_t size) { return native.explain(client, out, size); });
    }
    if (name == "stats") {
        return written(capacity, [&](char *out, std::uint32_t size) { return native.stats(client, out, size); });
    }
    if (name == "set_enabled") {
        return std::to_string(native.set_enabled(client, static_cast<std::int32_t>(number("enabled"))));
    }
    if (name == "is_enabled") {
        return std::to_string(native.is_enabled(client));
    }
    if (name == "persist") {
        return std::to_string(native.persist(client, timeout));
    }
    if (name == "flush") {
        return std::to_string(native.flush(client, timeout));
    }
    if (name == "close") {
        return std::to_string(native.close(client, timeout));
    }
    if (name == "status_name") {
        return quoted(native.status_name(static_cast<std::int32_t>(number("status"))));
    }
    if (name == "version") {
        return quoted(native.version());
    }
    if (name == "abi_version") {
        return std::to_string(native.abi_version());
    }
    return name == "setenv" ? change_environment(call) : UNSUPPORTED;
}

} // namespace

int main()
{
    const auto &loaded = pact::telemetry::detail::library();
    if (!loaded.reason.empty()) {
        std::cerr << loaded.reason << "\n";
        return 1;
    }
    const Native &native = loaded.native;
    std::string line;
    while (std::getline(std::cin, line)) {
        const Json one = JsonReader::read(line);
        if (one.kind != Json::Kind::Object) {
            std::cerr << "this is not a JSON object: " << line << "\n";
            return 1;
        }
        char error[512] = "";
        const Argument config(one["config"]);
        PactTelemetry *client = config.has_nul() ? nullptr : native.create(config.c_str(), error, sizeof error);
        const std::string why = config.has_nul() ? UNSUPPORTED : text(error, sizeof error);
        std::string results;
        for (const Json &call : one["calls"].children) {
            results += (results.empty() ? "" : ",") + answer(native, client, call);
        }
        std::cout << "{\"name\":" << quoted(one["name"].text) << ",\"new\":" << (client == nullptr ? why : "null")
                  << ",\"results\":[" << results << "]}" << std::endl;
        native.free(client);
    }
    return 0;
}
