# frozen_string_literal: true

require_relative "lib/pact_telemetry/version"

# Packaging puts the built library into native/PLATFORM/ and the common documents beside this file, and sets
# PACT_TELEMETRY_GEM_PLATFORM to RubyGems' name of the platform. Without that variable this is the gem for any platform,
# which carries no library.
platform = ENV.fetch("PACT_TELEMETRY_GEM_PLATFORM", "").split("-")

Gem::Specification.new do |spec|
  spec.name = "pact-telemetry"
  spec.version = PactTelemetry::VERSION
  spec.authors = ["Pact Foundation"]
  spec.summary = "Anonymous usage events of a Pact library, over libpact_telemetry"
  spec.description = "Reports anonymous usage events of a Pact library through libpact_telemetry. Never raises, " \
                     "waits only when asked to, obeys the person's choice, and does nothing if it cannot be loaded."
  spec.homepage = "https://github.com/pact-foundation/pact-telemetry"
  spec.license = "MIT"
  spec.metadata = {
    "allowed_push_host" => "https://rubygems.org",
    "bug_tracker_uri" => "#{spec.homepage}/issues",
    "changelog_uri" => "#{spec.homepage}/blob/main/CHANGELOG.md",
    "documentation_uri" => "#{spec.homepage}/tree/main/bindings/ruby",
    "homepage_uri" => spec.homepage,
    "rubygems_mfa_required" => "true",
    "source_code_uri" => spec.homepage
  }
  # The platform is made of its parts, because RubyGems before 3.3.22 reads the text "linux-gnu" as "linux".
  spec.platform = Gem::Platform.new(platform) if platform.any?
  spec.required_ruby_version = ">= 3.1"
  # Earlier versions of RubyGems install the gem for musl on every Linux, beside or instead of the one for glibc.
  spec.required_rubygems_version = ">= 3.3.22" if platform.last == "musl"
  spec.require_paths = ["lib"]
  spec.files = Dir.chdir(__dir__) do
    native = platform.any? ? Dir["native/*/*.{so,dylib,dll}"] : []
    Dir["lib/**/*.rb", "sig/*.rbs", "examples/*.rb", "*.md", "*.txt", "*.cdx.json", "LICENSE"] + native
  end
  spec.extra_rdoc_files = ["README.md"]

  # ffi calls C without a compiler on the person's machine, and can release Ruby's lock during a call.
  spec.add_dependency "ffi", "~> 1.15"
end
