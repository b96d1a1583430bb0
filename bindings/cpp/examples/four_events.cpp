// The four events that Pact libraries report.
#include <pact_telemetry.hpp>

#include <iostream>

int main()
{
    pact::telemetry::Client telemetry({"my-pact", "My Pact", "1.0.0"});
    std::cout << name(telemetry.consumer_tests_ran(3)) << "\n"
              << name(telemetry.pacts_verified(4)) << "\n"
              << name(telemetry.plugin_loaded("protobuf", "0.5.4")) << "\n"
              << name(telemetry.mock_server_started()) << "\n";
}
