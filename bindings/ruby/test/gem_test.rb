# frozen_string_literal: true

require_relative "helper"
require "rubygems/package"

# What the gems contain, and their metadata. packaging/try checks that they install and work in an empty project.
class GemTest < Minitest::Test
  include Support

  DOCUMENTS = %w[COLLECTED.md LICENSE README.md THIRD-PARTY-LICENSES.txt pact_telemetry.cdx.json].freeze
  CODE = Dir.glob(%w[lib/**/*.rb sig/*.rbs examples/*.rb], base: GEM)

  # The names of RubyGems' platforms, and the file that each gem carries.
  PLATFORMS = {
    "x86_64-linux-gnu" => "native/linux-x64-gnu/libpact_telemetry.so",
    "aarch64-linux-musl" => "native/linux-arm64-musl/libpact_telemetry.so",
    "arm64-darwin" => "native/darwin-arm64/libpact_telemetry.dylib",
    "x64-mingw-ucrt" => "native/win32-x64/pact_telemetry.dll"
  }.freeze

  PLATFORMS.each do |platform, library|
    define_method("test_the_gem_for_#{platform}") do
      package, name = build(platform, library)
      assert_equal "pact-telemetry-#{PactTelemetry::VERSION}-#{platform}.gem", name
      assert_equal [library, *DOCUMENTS, *CODE].sort, package.contents.sort
      assert_equal platform, package.spec.original_platform
      old = package.spec.required_rubygems_version.satisfied_by?(Gem::Version.new("3.3.15"))
      assert_equal !platform.end_with?("musl"), old
    end
  end

  def test_the_gem_for_any_platform_carries_no_library_and_is_small
    package, name = build(nil, "native/linux-x64-gnu/libpact_telemetry.so")
    assert_equal "pact-telemetry-#{PactTelemetry::VERSION}.gem", name
    assert_equal "ruby", package.spec.platform
    assert_equal [*DOCUMENTS, *CODE].sort, package.contents.sort
  end

  def test_the_metadata_has_what_a_registry_shows
    spec, = build(nil, "native/linux-x64-gnu/libpact_telemetry.so").then { |package, _| [package.spec] }
    assert_equal %w[allowed_push_host bug_tracker_uri changelog_uri documentation_uri homepage_uri rubygems_mfa_required
                    source_code_uri], spec.metadata.keys.sort
    assert_equal "true", spec.metadata["rubygems_mfa_required"]
    assert_equal ["MIT", ["ffi"]], [spec.license, spec.runtime_dependencies.map(&:name)]
    assert_equal PactTelemetry::VERSION, spec.version.to_s
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

  # Does what packaging does: copies the sources, the library and the documents, and runs `gem build` there.
  #
  # @return [Gem::Package, String] what was built, and the name of its file
  def build(platform, library)
    copy = Dir.mktmpdir("gem", HOME)
    sources = %w[lib sig examples README.md LICENSE pact-telemetry.gemspec]
    FileUtils.cp_r(sources.map { |name| File.join(GEM, name) }, copy)
    [library, *DOCUMENTS].each do |name|
      FileUtils.mkdir_p(File.dirname(File.join(copy, name)))
      File.write(File.join(copy, name), "in place of #{name}\n") unless File.exist?(File.join(copy, name))
    end
    out, status = Open3.capture2e({ "PACT_TELEMETRY_GEM_PLATFORM" => platform }, RbConfig.ruby, "-S", "gem", "build",
                                  "--strict", "pact-telemetry.gemspec", chdir: copy)
    assert status.success?, out
    made = Dir.glob("#{copy}/*.gem").fetch(0)
    [Gem::Package.new(made), File.basename(made)]
  end
end
