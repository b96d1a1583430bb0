// Measures what track() costs compared with the C call in the same run. It is not a test: run it on a quiet machine.
#include "support.hpp"

#include <algorithm>
#include <cstdio>

namespace
{

using Clock = std::chrono::steady_clock;
using pact::telemetry::Client;
using pact::telemetry::Outcome;

constexpr int BURST = 1000;
constexpr int ROUNDS = 60;

template <typename Function> double each(const Function &function)
{
    const auto start = Clock::now();
    for (int number = 0; number < BURST; ++number) {
        function();
    }
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / BURST;
}

double median(std::vector<double> &costs)
{
    std::sort(costs.begin(), costs.end());
    return costs[costs.size() / 2];
}

} // namespace

int main()
{
    const support::Place place;
    const support::Collector collector;
    pact::telemetry::Options options;
    options.endpoint = collector.url;
    const pact::telemetry::Library library{"bench", "Bench", "1"};
    Client telemetry(library, options);
    options.enabled = false;
    Client off(library, options);
    const std::string config = pact::telemetry::detail::config(library, options);
    options.enabled = true;
    PactTelemetry *bare = pact_telemetry_new(pact::telemetry::detail::config(library, options).c_str(), nullptr, 0);
    PactTelemetry *bare_off = pact_telemetry_new(config.c_str(), nullptr, 0);

    using namespace std::string_view_literals;
    std::vector<double> costs[5];
    for (int round = 0; round < ROUNDS; ++round) {
        const auto tracked = [&] {
            costs[0].push_back(each([&] { telemetry.track("Pacts verified", "ProviderTest", "Completed", 3); }));
        };
        const auto called = [&] {
            costs[1].push_back(each([&] {
                pact_telemetry_track(bare, "Pacts verified", "ProviderTest", "Completed", 3, nullptr, nullptr);
            }));
        };
        const auto settle = [&] {
            // No event waits when a burst begins, so both are measured in the same state.
            return telemetry.flush(std::chrono::seconds(10)) == Outcome::Ok
                   && pact_telemetry_flush(bare, 10000) == PACT_TELEMETRY_OK;
        };
        // They take turns in being first, because the first one wakes the worker.
        (round % 2 == 0) ? tracked() : called();
        const bool first = settle();
        (round % 2 == 0) ? called() : tracked();
        const bool second = settle();
        costs[2].push_back(each([&] { telemetry.track("Pacts verified"sv, "ProviderTest"sv, "Completed"sv, 3); }));
        if (!first || !second || !settle()) {
            std::puts("not all events arrived");
            return 1;
        }
        costs[3].push_back(each([&] { off.track("Pacts verified", "ProviderTest", "Completed", 3); }));
        costs[4].push_back(each([&] {
            pact_telemetry_track(bare_off, "Pacts verified", "ProviderTest", "Completed", 3, nullptr, nullptr);
        }));
    }
    pact_telemetry_free(bare);
    pact_telemetry_free(bare_off);
    const double track = median(costs[0]);
    const double call = median(costs[1]);
    const double off_track = median(costs[3]);
    const double off_call = median(costs[4]);
    std::printf("track, accepted                                  %8.1f ns\n", track);
    std::printf("the C call, accepted                             %8.1f ns\n", call);
    std::printf("ratio                                            %8.2f\n", track / call);
    std::printf("track, accepted, with std::string_view           %8.1f ns\n", median(costs[2]));
    std::printf("track, turned off                                %8.1f ns\n", off_track);
    std::printf("the C call, turned off                           %8.1f ns\n", off_call);
    std::printf("ratio                                            %8.2f\n", off_track / off_call);
    return 0;
}
