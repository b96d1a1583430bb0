// `check` compiles this with each compiler, standard and mode, also without exceptions and run-time type information.
#include <pact_telemetry.hpp>

int main()
{
    pact::telemetry::Options options;
    options.enabled = false;
    pact::telemetry::Client telemetry({"my-pact", "My Pact", "1.0.0"}, options);
#if __cplusplus >= 202002L
    telemetry = pact::telemetry::Client({"my-pact", "My Pact", "1.0.0"}, {.enabled = false});
#endif
    return telemetry.pacts_verified(3) == pact::telemetry::Outcome::Disabled
           && telemetry.preview("e", "c", "a").outcome == pact::telemetry::Outcome::Ok
           && telemetry.stats().accepted == 0 && !telemetry.explain().enabled;
}
