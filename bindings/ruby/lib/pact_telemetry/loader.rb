# frozen_string_literal: true

require_relative "native"

module PactTelemetry
  # Finds the native library and attaches {Native} to it, once a process. Raises nothing: it tells what went wrong.
  #
  # @api private
  module Loader
    # A file that is used instead of any other. If it cannot be loaded, nothing else is tried.
    VARIABLE = "PACT_TELEMETRY_LIBRARY"

    # Where packaging puts the library.
    BUNDLED = File.expand_path("../../native", __dir__)

    LOCK = Mutex.new
    private_constant :LOCK

    # @return [String, nil] why the library cannot be used; nil if it can
    def self.problem
      return @problem if defined?(@problem) # without the lock, which a signal handler must not take

      LOCK.synchronize do
        @problem = load unless defined?(@problem)
        @problem
      end
    end

    # @return [String, nil] why none of the candidates can be used
    def self.load
      require "ffi"
      problems = candidates.map { |path| attach(path)&.prepend("#{path}: ") || (return nil) }
      problems.join("; ")
    rescue LoadError, StandardError => e
      "the ffi gem cannot be used: #{e.message}"
    end
    private_class_method :load

    def self.candidates
      chosen = ENV.fetch(VARIABLE, "")
      return [chosen] unless chosen.empty?

      name = "#{FFI::Platform::LIBPREFIX}pact_telemetry.#{FFI::Platform::LIBSUFFIX}"
      bundled = File.join(BUNDLED, platform, name)
      [(bundled if File.file?(bundled)), FFI::Platform.mac? ? "libpact_telemetry.1.dylib" : "#{name}.1"].compact
    end
    private_class_method :candidates

    # As the library itself names it, such as linux-x86_64.
    def self.platform
      os = FFI::Platform.mac? ? "macos" : FFI::Platform::OS
      "#{os}-#{FFI::Platform::ARCH}"
    end
    private_class_method :platform

    # Not `ffi_lib`, which guesses at other names and places where a path does not load.
    def self.attach(path)
      library = FFI::DynamicLibrary.open(path, FFI::DynamicLibrary::RTLD_LAZY | FFI::DynamicLibrary::RTLD_LOCAL)
      function = library.find_function("pact_telemetry_abi_version")
      return +"is not libpact_telemetry" unless function

      version = FFI::Function.new(:uint32, [], function).call
      return "has ABI version #{version}, not #{Native::ABI_VERSION}" if version != Native::ABI_VERSION

      Native.attach(library)
      nil
    rescue LoadError, StandardError => e
      e.message.dup
    end
    private_class_method :attach
  end
end
