"""Reports the four events of the Pact libraries.

Run it against a collector of your own: `pact-telemetry demo python examples/four_events.py`.
"""

from pact_telemetry import Client, Library

LIBRARY: Library = {"id": "pact-python", "name": "Pact Python", "version": "1.0.0"}

with Client(library=LIBRARY) as telemetry:
    print("consumer tests ran: ", telemetry.consumer_tests_ran(3))
    print("pacts verified:     ", telemetry.pacts_verified(2))
    print("plugin loaded:      ", telemetry.plugin_loaded("protobuf", "0.5.4"))
    print("mock server started:", telemetry.mock_server_started())
    if telemetry.unavailable_reason:
        print(telemetry.unavailable_reason)
