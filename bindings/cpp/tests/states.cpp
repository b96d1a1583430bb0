// Prints one line about a client: the outcomes of an event and of close(), the test framework that was found, how many
// reasons its counters name, and why the client is unavailable. With the macro CATCH2, Catch2 runs it; otherwise it is
// a plain program.
#include <pact_telemetry.hpp>

#include <cstdio>

#if defined(CATCH2)
#define CATCH_CONFIG_RUNNER
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
#endif

static void print()
{
    pact::telemetry::Client telemetry({"my-pact", "My Pact", "1.0.0"});
    const auto outcome = telemetry.pacts_verified(1);
    const auto framework = pact::telemetry::detail::test_framework();
    const std::string reason(telemetry.unavailable_reason().value_or("-"));
    const auto stats = telemetry.stats();
    std::printf("%s|%s|%s|%u %u|%s\n", name(outcome), name(telemetry.close()), framework.value_or("-").c_str(),
                static_cast<unsigned>(stats.dropped.size()), static_cast<unsigned>(stats.not_accepted.size()),
                reason.c_str());
}

#if defined(CATCH2)
TEST_CASE("prints")
{
    print();
}

int main(int count, char **arguments)
{
    return Catch::Session().run(count, arguments);
}
#else
int main()
{
    print();
    return 0;
}
#endif
