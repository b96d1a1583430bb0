# frozen_string_literal: true

require_relative "runtime"

module PactTelemetry
  # Turns the options of a client into the library's config. Only the library checks their values.
  #
  # @api private
  module Options
    # @param options [Hash{Symbol, String => Object}]
    # @return [Hash{Symbol => Object}] the config, to be written as JSON
    def self.config(options)
      config = options.transform_keys(&:to_sym).compact
      config[:platform_version] ||= Runtime.platform_version
      config[:test_framework] ||= Runtime.test_framework
      # The library's own key is in milliseconds.
      config[:exit_timeout_ms] = milliseconds(config.delete(:exit_timeout)) if config.key?(:exit_timeout)
      config
    end

    def self.milliseconds(timeout)
      (Float(timeout) * 1000).ceil
    rescue TypeError, ArgumentError
      raise ArgumentError, "`exit_timeout` must be a number of seconds, not #{timeout.inspect}"
    end
    private_class_method :milliseconds
  end
end
