// Shared by the tests: a separate folder and environment for each test, and a real collector.
#ifndef PACT_TELEMETRY_TESTS_SUPPORT_HPP
#define PACT_TELEMETRY_TESTS_SUPPORT_HPP

#include <pact_telemetry.hpp>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace support
{

using pact::telemetry::detail::Json;
using pact::telemetry::detail::JsonReader;

// The collector of the `pact-telemetry` command, and what arrives there.
class Collector
{
  public:
    explicit Collector(const char *answers = nullptr)
    {
        int ends[2];
        if (::pipe(ends) != 0) {
            std::abort();
        }
        process_ = ::fork();
        if (process_ == 0) {
            ::dup2(ends[1], 1);
            ::dup2(::open("/dev/null", O_WRONLY), 2);
            ::close(ends[0]);
            ::close(ends[1]);
            const char *command = std::getenv("TEST_COMMAND");
            if (answers == nullptr) {
                ::execl(command, command, "collect", nullptr);
            } else {
                ::execl(command, command, "collect", "--answers", answers, nullptr);
            }
            ::_exit(127);
        }
        ::close(ends[1]);
        output_ = ends[0];
        url = line(30000)["url"].text;
    }
    Collector(const Collector &) = delete;
    Collector &operator=(const Collector &) = delete;
    ~Collector()
    {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
        ::close(output_);
    }

    // Waits for this many events. Returns fewer if no further one arrives within ten seconds.
    std::vector<Json> events(std::size_t count)
    {
        std::vector<Json> arrived;
        while (arrived.size() < count) {
            Json record = line(10000);
            if (record.kind == Json::Kind::Missing) {
                break;
            }
            if (record["type"].text == "event") {
                arrived.push_back(std::move(record));
            }
        }
        return arrived;
    }

    std::string url;

  private:
    // The next line, or a value of the kind Missing if none comes in that time.
    Json line(int milliseconds)
    {
        while (buffer_.find('\n') == std::string::npos) {
            pollfd one{output_, POLLIN, 0};
            char part[4096];
            const ssize_t length = ::poll(&one, 1, milliseconds) > 0 ? ::read(output_, part, sizeof part) : 0;
            if (length <= 0) {
                return {};
            }
            buffer_.append(part, static_cast<std::size_t>(length));
        }
        const auto end = buffer_.find('\n');
        Json record = JsonReader::read(std::string_view(buffer_).substr(0, end));
        buffer_.erase(0, end + 1);
        return record;
    }

    pid_t process_ = 0;
    int output_ = -1;
    std::string buffer_;
};

// An environment in which events are sent at once, and no setting of the person who runs the tests is read.
class Place
{
  public:
    Place()
    {
        char name[] = "/tmp/pact-telemetry-cpp-XXXXXX";
        folder = ::mkdtemp(name);
        for (const char *one : {"PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK", "PACT_TELEMETRY_ENDPOINT",
                                "PACT_TELEMETRY_DEBUG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}) {
            ::unsetenv(one);
        }
        ::setenv("HOME", folder.c_str(), 1);
        ::setenv("XDG_CONFIG_HOME", (folder + "/config").c_str(), 1);
        ::setenv("PACT_TELEMETRY_STATE_DIR", (folder + "/state").c_str(), 1);
        ::setenv("PACT_TELEMETRY_NOTICE", "seen", 1);
    }
    Place(const Place &) = delete;
    Place &operator=(const Place &) = delete;
    ~Place()
    {
        std::error_code ignored; // the library may write there once more
        std::filesystem::remove_all(folder, ignored);
    }

    std::string folder;
};

} // namespace support

#endif
