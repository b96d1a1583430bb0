# frozen_string_literal: true

# Reports the four events of the Pact libraries, and shows what became of them.
#
# Run `pact-telemetry collect` in another window, and then this program with the address that it prints:
#
#     PACT_TELEMETRY_ENDPOINT=http://127.0.0.1:PORT PACT_TELEMETRY_MEASUREMENT_ID=G-1 PACT_TELEMETRY_API_SECRET=s \
#         ruby -Ilib examples/four_events.rb

require "pact_telemetry"

PactTelemetry::Client.open(library: { id: "my-pact", name: "My Pact", version: "1.0.0" }) do |telemetry|
  warn telemetry.unavailable_reason if telemetry.unavailable_reason

  telemetry.mock_server_started
  telemetry.consumer_tests_ran(3)
  telemetry.pacts_verified(2)
  telemetry.plugin_loaded("csv", "0.0.6")

  puts telemetry.flush
  puts JSON.pretty_generate(telemetry.stats)
end
