# frozen_string_literal: true

require_relative "helper"

# The platform is found from how this Ruby was built, without starting a process.
class PlatformTest < Minitest::Test
  include Support

  PLATFORM = PactTelemetry::Platform

  # {[host_os, host_cpu] in RbConfig => [platform, file in a package, file of the system]}
  RUBIES = {
    %w[linux-gnu x86_64] => %w[linux-x64-gnu libpact_telemetry.so libpact_telemetry.so.1],
    %w[linux-gnu aarch64] => %w[linux-arm64-gnu libpact_telemetry.so libpact_telemetry.so.1],
    %w[linux-musl x86_64] => %w[linux-x64-musl libpact_telemetry.so libpact_telemetry.so.1],
    %w[linux-musl aarch64] => %w[linux-arm64-musl libpact_telemetry.so libpact_telemetry.so.1],
    %w[darwin23 arm64] => %w[darwin-arm64 libpact_telemetry.dylib libpact_telemetry.1.dylib],
    %w[darwin22.6.0 x86_64] => %w[darwin-x64 libpact_telemetry.dylib libpact_telemetry.1.dylib],
    %w[mingw-ucrt x86_64] => %w[win32-x64 pact_telemetry.dll pact_telemetry.dll],
    %w[mingw32 x64] => %w[win32-x64 pact_telemetry.dll pact_telemetry.dll],
    %w[mswin64_140 x64] => %w[win32-x64 pact_telemetry.dll pact_telemetry.dll],
    %w[linux-gnu riscv64] => %w[linux-riscv64-gnu libpact_telemetry.so libpact_telemetry.so.1],
    %w[linux-gnu i686] => %w[linux-i686-gnu libpact_telemetry.so libpact_telemetry.so.1],
    %w[freebsd14.0 amd64] => %w[freebsd14.0-x64 libpact_telemetry.so libpact_telemetry.so.1]
  }.freeze

  RUBIES.each do |(system, cpu), names|
    define_method("test_#{system}_#{cpu}") do
      config = { "host_os" => system, "host_cpu" => cpu }
      assert_equal names, [PLATFORM.name(config), *PLATFORM.files(config)]
    end
  end

  # The `host_os` of JRuby is only "linux".
  def test_without_a_c_library_in_rbconfig_the_mapped_files_show_it
    config = { "host_os" => "linux", "host_cpu" => "x86_64" }
    { "7f00-7f10 r-xp /lib/ld-musl-x86_64.so.1\n" => "linux-x64-musl",
      "7f00-7f10 r-xp /usr/lib/x86_64-linux-musl/libc.so\n7f10-7f20 rw-p [stack]\n" => "linux-x64-musl",
      "7f00-7f10 r-xp /lib64/ld-linux-x86-64.so.2\n7f10-7f20 r-xp /lib/libc.so.6\n" => "linux-x64-gnu" }
      .each { |maps, name| File.stub(:read, maps) { assert_equal name, PLATFORM.name(config) } }
    File.stub(:read, ->(_) { raise Errno::EACCES }) { assert_equal "linux-x64-gnu", PLATFORM.name(config) }
  end

  # The names are compared with those of the folders in packaging.
  def test_the_names_are_those_of_the_packages
    packaged = File.read(File.join(ROOT, "packaging/shared.py"))[/^PLATFORMS = \{.*?^\}/m].scan(/^ +"(\S+)", "\S+", _/)
    known = RUBIES.values.map(&:first)
    assert_equal 7, packaged.size
    assert_empty packaged.flatten - known
  end
end
