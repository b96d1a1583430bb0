# frozen_string_literal: true

module PactTelemetry
  # Version of this gem.
  VERSION = "1.0.0.alpha.1"
end
