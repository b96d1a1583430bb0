# frozen_string_literal: true

module PactTelemetry
  # Mirrors include/pact_telemetry.h one to one and nothing more. {Loader} attaches it to a library.
  #
  # @api private
  module Native
    # The number of the ABI that this file was written for.
    ABI_VERSION = 1

    # What the functions return.
    STATUSES = {
      "PACT_TELEMETRY_OK" => 0,
      "PACT_TELEMETRY_DISABLED" => 1,
      "PACT_TELEMETRY_NOT_CONFIGURED" => 2,
      "PACT_TELEMETRY_QUEUE_FULL" => 3,
      "PACT_TELEMETRY_CLOSED" => 4,
      "PACT_TELEMETRY_LOST" => 5,
      "PACT_TELEMETRY_KEPT" => 6,
      "PACT_TELEMETRY_ERROR_NULL" => -1,
      "PACT_TELEMETRY_ERROR_UTF8" => -2,
      "PACT_TELEMETRY_ERROR_EMPTY" => -3,
      "PACT_TELEMETRY_ERROR_TOO_LONG" => -4,
      "PACT_TELEMETRY_ERROR_FORBIDDEN" => -5,
      "PACT_TELEMETRY_ERROR_RANGE" => -6,
      "PACT_TELEMETRY_ERROR_TIMEOUT" => -7,
      "PACT_TELEMETRY_ERROR_INTERNAL" => -8
    }.freeze

    # {function => [types of the parameters, type of the result]}
    FUNCTIONS = {
      pact_telemetry_abi_version: [[], :uint32],
      pact_telemetry_version: [[], :string],
      pact_telemetry_status_name: [[:int32], :string],
      pact_telemetry_new: [%i[string pointer uint32], :pointer],
      pact_telemetry_track: [%i[pointer string string string int64 string string], :int32],
      pact_telemetry_set_enabled: [%i[pointer int32], :int32],
      pact_telemetry_is_enabled: [[:pointer], :int32],
      pact_telemetry_explain: [%i[pointer pointer uint32], :int32],
      pact_telemetry_preview: [%i[pointer string string string int64 string string pointer uint32], :int32],
      pact_telemetry_stats: [%i[pointer pointer uint32], :int32],
      pact_telemetry_persist: [%i[pointer uint32], :int32],
      pact_telemetry_flush: [%i[pointer uint32], :int32],
      pact_telemetry_close: [%i[pointer uint32], :int32],
      pact_telemetry_free: [[:pointer], :void]
    }.freeze

    # These functions wait, and so release Ruby's lock to let other threads run. The others keep the lock: to release it
    # would cost more than their work, and while they hold it no `ENV[]=` can change the environment that they read.
    BLOCKING = %i[pact_telemetry_persist pact_telemetry_flush pact_telemetry_close].freeze

    # Defines every function as a method of this module.
    #
    # @param library [FFI::DynamicLibrary]
    # @return [void]
    # @raise [LoadError] if the library lacks one
    def self.attach(library)
      addresses = FUNCTIONS.to_h do |name, _|
        [name, library.find_function(name.to_s) || raise(LoadError, "has no function #{name}")]
      end
      FUNCTIONS.each do |name, (parameters, result)|
        options = { blocking: BLOCKING.include?(name) }
        FFI::Function.new(result, parameters, addresses[name], options).attach(self, name.to_s)
      end
    end
  end
end
