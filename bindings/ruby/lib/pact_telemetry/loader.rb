# frozen_string_literal: true

require_relative "errors"
require_relative "native"
require_relative "platform"

module PactTelemetry
  # Finds the native library and attaches {Native} to it, once in a process. It never raises; it says what went wrong.
  #
  # @api private
  module Loader
    # Names a file that is used instead of any other. If it cannot be loaded, nothing else is tried.
    VARIABLE = "PACT_TELEMETRY_LIBRARY"

    # The folder of the libraries in a gem. Each is in a folder that has the name of its platform.
    BUNDLED = File.expand_path("../../native", __dir__)

    IN_A_RACTOR = "Ractors are not supported: make and use clients in the main Ractor"

    LOCK = Mutex.new
    private_constant :LOCK

    # @return [String, nil] why the library cannot be used; nil if it can
    def self.problem
      return IN_A_RACTOR unless main_ractor?
      return @problem if defined?(@problem) # without the lock, which a signal handler must not take

      LOCK.synchronize do
        @problem = load unless defined?(@problem)
        @problem
      end
    end

    # Other Ractors may neither share a client nor call C through FFI.
    def self.main_ractor?
      !defined?(::Ractor) || ::Ractor.current == ::Ractor.main
    end
    private_class_method :main_ractor?

    # @return [String, nil] why none of the candidates can be used
    def self.load
      require "ffi"
      chosen = ENV.fetch(VARIABLE, "")
      return attach(chosen) unless chosen.empty?

      bundled, system = Platform.files
      bundled = File.join(BUNDLED, Platform.name, bundled)
      first = File.file?(bundled) ? attach(bundled) : lacking
      second = first && attach(system)
      [first, second].join("; ") if second
    rescue LoadError, StandardError => e
      Errors.pass_on(e)
      "the ffi gem cannot be used: #{e.message}"
    end
    private_class_method :load

    # @return [String] why there is no library in this gem
    def self.lacking
      carried = Dir.exist?(BUNDLED) ? Dir.children(BUNDLED).sort.join(", ") : ""
      return "this gem is the one for any platform, which carries no library for #{Platform.name}" if carried.empty?

      "this gem carries the library for #{carried}, and this Ruby runs on #{Platform.name}"
    end
    private_class_method :lacking

    # Does not use `ffi_lib`, which tries other names and places if a path cannot be loaded.
    #
    # @return [String, nil] why the library at this path cannot be used
    def self.attach(path)
      library = FFI::DynamicLibrary.open(path, FFI::DynamicLibrary::RTLD_LAZY | FFI::DynamicLibrary::RTLD_LOCAL)
      function = library.find_function("pact_telemetry_abi_version")
      return "#{path}: is not libpact_telemetry" unless function

      version = FFI::Function.new(:uint32, [], function).call
      return "#{path}: has ABI version #{version}, not #{Native::ABI_VERSION}" if version != Native::ABI_VERSION

      Native.attach(library)
      nil
    rescue LoadError, StandardError => e
      Errors.pass_on(e)
      "#{path}: #{e.message.sub(/\ACould not open library .*?: /, '').delete_prefix("#{path}: ")}"
    end
    private_class_method :attach
  end
end
