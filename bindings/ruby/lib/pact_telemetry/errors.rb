# frozen_string_literal: true

module PactTelemetry
  # Tells errors of this package's own work from an exception that the program raised into a call: by `Thread#raise`, by
  # `Timeout.timeout` with a class, or in a signal handler. That one is for the program, and must be raised again.
  #
  # @api private
  module Errors
    # What wrong arguments, and a library that cannot be used, raise.
    OWN = [ArgumentError, EncodingError, FloatDomainError, FrozenError, IndexError, KeyError, LoadError, NameError,
           NoMethodError, RangeError, SystemStackError, TypeError].freeze

    # The libraries whose errors are ours too.
    LIBRARIES = /\A(?:FFI|JSON|Encoding|Errno(?!::ETIMEDOUT))::/

    INSTANCE_OF = Kernel.instance_method(:instance_of?)
    private_constant :OWN, :LIBRARIES, :INSTANCE_OF

    # Raises an error of the program again.
    #
    # @param error [Exception]
    # @param given (see .own?)
    # @return [void]
    def self.pass_on(error, *given)
      raise error unless own?(error, *given)
    end

    # @param error [Exception]
    # @param given [Array<Object>] the arguments. If one is of a class of the program, its methods may raise anything.
    # @return [Boolean]
    def self.own?(error, *given)
      OWN.include?(error.class) || LIBRARIES.match?(error.class.name.to_s) || !given.all? { |value| plain?(value) }
    end

    # Calls no method of the value.
    def self.plain?(value)
      case value
      when nil, true, false, Integer, Float, Symbol then true
      when String then INSTANCE_OF.bind_call(value, String)
      when Hash then INSTANCE_OF.bind_call(value, Hash) && value.all? { |_, one| flat?(one) }
      else false
      end
    end

    def self.flat?(value)
      case value
      when Hash then false
      else plain?(value)
      end
    end
    private_class_method :plain?, :flat?
  end
end
