# frozen_string_literal: true

require_relative "lib/pact_telemetry/version"

Gem::Specification.new do |spec|
  spec.name = "pact-telemetry"
  spec.version = PactTelemetry::VERSION
  spec.authors = ["Pact Foundation"]
  spec.summary = "Anonymous usage events of a Pact library, over libpact_telemetry"
  spec.description = "Reports anonymous usage events of a Pact library through libpact_telemetry. Never blocks, " \
                     "never raises, honours the person's choice, and is a silent no-op where it cannot be loaded."
  spec.homepage = "https://github.com/pact-foundation/pact-telemetry"
  spec.license = "MIT"
  spec.metadata = { "source_code_uri" => spec.homepage, "rubygems_mfa_required" => "true" }
  spec.required_ruby_version = ">= 3.1"
  spec.require_paths = ["lib"]
  # native/ is not in the source tree: packaging puts the built library there, see README.md.
  spec.files = Dir.chdir(__dir__) do
    Dir["lib/**/*.rb", "native/**/*.{so,dylib,dll,json}", "README.md", "LICENSE", "examples/*.rb"]
  end

  # Calls C without a compiler on the person's machine, and can let go of Ruby's lock during a call.
  spec.add_dependency "ffi", "~> 1.15"
end
