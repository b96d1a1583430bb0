# frozen_string_literal: true

require "pact_telemetry"

CLIENT = PactTelemetry::Client.new(library: { id: "pact-ruby", name: "Pact Ruby", version: "1.0.0" })

# Reports one event, as a Pact library would while tests run.
def report(number)
  CLIENT.consumer_tests_ran(ENV.fetch("BASE").to_i + number)
end
