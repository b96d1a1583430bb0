# frozen_string_literal: true

require_relative "lib/pact_telemetry/version"

# Packaging puts the built library into native/PLATFORM/ and the common documents beside this file, and names RubyGems'
# platform in PACT_TELEMETRY_GEM_PLATFORM. Without it this is the gem for any platform, which carries no library.
platform = ENV.fetch("PACT_TELEMETRY_GEM_PLATFORM", "").split("-")

Gem::Specification.new do |spec|
  spec.name = "pact-telemetry"
  spec.version = PactTelemetry::VERSION
  spec.authors = ["Pact Foundation"]
  spec.summary = "Anonymous usage events of a Pact library, over libpact_telemetry"
  spec.description = "Reports anonymous usage events of a Pact library through libpact_telemetry. Never blocks, " \
                     "never raises, honours the person's choice, and is a silent no-op where it cannot be loaded."
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
  # From the parts and not from the text: RubyGems before 3.3.22 takes "linux-gnu" for "linux".
  spec.platform = Gem::Platform.new(platform) if platform.any?
  spec.required_ruby_version = ">= 3.1"
  # Before, RubyGems installs it on every Linux, beside or instead of the one for glibc.
  spec.required_rubygems_version = ">= 3.3.22" if platform.last == "musl"
  spec.require_paths = ["lib"]
  spec.files = Dir.chdir(__dir__) do
    native = platform.any? ? Dir["native/*/*.{so,dylib,dll}"] : []
    Dir["lib/**/*.rb", "sig/*.rbs", "examples/*.rb", "*.md", "*.txt", "*.cdx.json", "LICENSE"] + native
  end
  spec.extra_rdoc_files = ["README.md"]

  # Calls C without a compiler on the person's machine, and can let go of Ruby's lock during a call.
  spec.add_dependency "ffi", "~> 1.15"
end
