# frozen_string_literal: true

require_relative "pact_telemetry/client"
require_relative "pact_telemetry/names"
require_relative "pact_telemetry/version"

# Reports anonymous usage events of a Pact library. Start with {Client.open} or {Client#initialize}.
#
# Requiring this file loads no native library. The first client loads it; if that fails, the client is a silent no-op.
module PactTelemetry
end
