# frozen_string_literal: true

require_relative "runtime"

module PactTelemetry
  # From the options of a client to the library's config. What an option may be is the library's to say.
  #
  # @api private
  module Options
    # @param options [Hash{Symbol, String => Object}]
    # @return [Hash{Symbol => Object}] what JSON is made of
    def self.config(options)
      config = options.transform_keys(&:to_sym).compact
      config[:platform_version] ||= Runtime.platform_version
      config[:test_framework] ||= Runtime.test_framework
      # The library's own key is in milliseconds.
      config[:exit_timeout_ms] = milliseconds(config.delete(:exit_timeout)) if config.key?(:exit_timeout)
      config
    end

    def self.milliseconds(timeout)
      (Float(timeout) * 1000).round
    rescue TypeError, ArgumentError
      raise ArgumentError, "`exit_timeout` must be a number of seconds, not #{timeout.inspect}"
    end
    private_class_method :milliseconds
  end
end
