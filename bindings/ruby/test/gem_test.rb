# frozen_string_literal: true

require_relative "helper"
require "rubygems/package"

# The gem as a person installs it, with the library inside.
class GemTest < Minitest::Test
  include Support

  def test_the_built_gem_is_installed_and_works_from_there
    Dir.mktmpdir do |folder|
      Collector.run do |collector|
        installed = install(build(folder), File.join(folder, "home"))
        out = ruby!(<<~RUBY, options: options(collector.url), environment: installed, arguments: ["-rpact_telemetry"])
          puts $LOADED_FEATURES.grep(/pact_telemetry.rb/), PactTelemetry::Loader::BUNDLED
          PactTelemetry::Client.open(**OPTIONS) do |telemetry|
            abort telemetry.unavailable_reason if telemetry.unavailable_reason
            telemetry.pacts_verified(2)
            telemetry.flush(timeout_ms: 30_000)
          end
        RUBY
        assert_equal([folder] * 2, out.lines.map { |line| line[0, folder.size] })
        assert_equal ["Pacts verified"], collector.names
      end
    end
  end

  def test_the_gem_holds_what_it_needs_and_nothing_else
    Dir.mktmpdir do |folder|
      files = Gem::Package.new(build(folder)).contents
      assert_equal [native, "README.md", *Dir.glob("{lib,examples}/**/*.rb", base: GEM)].sort, files.sort
    end
  end

  def test_the_example_works
    Collector.run do |collector|
      out = ruby!("load '#{GEM}/examples/four_events.rb'", environment: environment(collector))
      assert_equal "ok\n", out.lines.first
      assert_equal ["Pact consumer tests ran", "Pact mock server started", "Pacts verified", "Plugin loaded"],
                   collector.names
    end
  end

  def test_what_the_readme_shows_works
    Collector.run do |collector|
      code = File.read(File.join(GEM, "README.md"))[/^```ruby\n(.*?)^```/m, 1]
      assert_equal "enabled\n", ruby!(code, environment: environment(collector))
      assert_equal ["Own event", "Pact consumer tests ran", "Pact mock server started", "Plugin loaded"],
                   collector.names
    end
  end

  private

  def environment(collector)
    { "PACT_TELEMETRY_ENDPOINT" => collector.url, "PACT_TELEMETRY_MEASUREMENT_ID" => "G-1",
      "PACT_TELEMETRY_API_SECRET" => "s" }
  end

  def native
    machine = RbConfig::CONFIG.values_at("host_os", "host_cpu").join("-")
    "native/#{machine.sub('linux-gnu', 'linux')}/libpact_telemetry.so"
  end

  # What packaging does: the library goes into a copy of the sources, and `gem build` runs there.
  def build(folder)
    copy = File.join(folder, "source")
    FileUtils.mkdir_p(File.join(copy, File.dirname(native)))
    FileUtils.cp_r(%w[lib examples README.md pact-telemetry.gemspec].map { |name| File.join(GEM, name) }, copy)
    FileUtils.cp(LIBRARY, File.join(copy, native))
    run_gem("build", "--strict", "--output", "../built.gem", "pact-telemetry.gemspec", chdir: copy)
    File.join(folder, "built.gem")
  end

  # Returns the environment that finds it.
  def install(path, home)
    environment = { "GEM_HOME" => home, "GEM_PATH" => nil, "PACT_TELEMETRY_LIBRARY" => nil }
    run_gem("install", "--local", "--ignore-dependencies", "--no-document", path, environment: environment)
    environment
  end

  def run_gem(*arguments, environment: {}, **more)
    out, status = Open3.capture2e(environment, RbConfig.ruby, "-S", "gem", *arguments, **more)
    assert status.success?, out
  end
end
