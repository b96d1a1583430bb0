# frozen_string_literal: true

require_relative "pact_telemetry/client"
require_relative "pact_telemetry/names"
require_relative "pact_telemetry/version"

# Reports anonymous usage events of a Pact library. Start with {Client.open} or {Client#initialize}.
#
# Requiring it loads no native library: the first client does, and one that cannot becomes a silent no-op.
module PactTelemetry
end
