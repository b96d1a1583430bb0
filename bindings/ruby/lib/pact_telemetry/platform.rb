# frozen_string_literal: true

require "rbconfig"

module PactTelemetry
  # Finds the platform of this Ruby, and the names of the library's file on it. Starts no process.
  #
  # @api private
  module Platform
    # {system => [file in a package, file where the system keeps libraries]}
    FILES = {
      "linux" => %w[libpact_telemetry.so libpact_telemetry.so.1],
      "darwin" => %w[libpact_telemetry.dylib libpact_telemetry.1.dylib],
      "win32" => %w[pact_telemetry.dll pact_telemetry.dll]
    }.freeze

    # {the name of a processor in RbConfig => its name in a platform}
    CPUS = { "x86_64" => "x64", "amd64" => "x64", "aarch64" => "arm64" }.freeze

    private_constant :FILES, :CPUS

    # @param config [Hash{String => String}] what RbConfig says of the Ruby
    # @return [String] such as linux-x64-gnu
    def self.name(config = RbConfig::CONFIG)
      cpu = config.fetch("host_cpu")
      [system(config), CPUS.fetch(cpu, cpu), (libc(config) if system(config) == "linux")].compact.join("-")
    end

    # @param config (see .name)
    # @return [Array<String>] the file in a package, the file where the system keeps libraries
    def self.files(config = RbConfig::CONFIG)
      FILES.fetch(system(config), FILES.fetch("linux"))
    end

    def self.system(config)
      case config.fetch("host_os")
      when /darwin/ then "darwin"
      when /mingw|mswin/ then "win32"
      when /linux/ then "linux"
      else config.fetch("host_os")
      end
    end

    # musl is mapped under a name that glibc never has: its loader's, or `libc.so` where that is a link, as on Debian.
    MUSL = %r{/ld-musl-|/libc\.so$}
    private_constant :MUSL

    # RbConfig usually names the C library. Where it does not, as in JRuby, the files that are mapped into the process
    # show it.
    def self.libc(config)
      case config.fetch("host_os")
      when /musl/ then "musl"
      when /gnu/ then "gnu"
      else File.read("/proc/self/maps").match?(MUSL) ? "musl" : "gnu"
      end
    rescue SystemCallError
      "gnu"
    end
    private_class_method :system, :libc
  end
end
