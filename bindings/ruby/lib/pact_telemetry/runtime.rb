# frozen_string_literal: true

module PactTelemetry
  # Finds the version of this Ruby and the test framework. It looks only at what is loaded already; it loads and starts
  # nothing.
  #
  # @api private
  module Runtime
    # {name => the constant by which it is recognised}. Cucumber and RSpec come first: both may load Minitest for its
    # assertions, and Cucumber may load RSpec's expectations, but not its core.
    TEST_FRAMEWORKS = {
      "RSpec" => "RSpec::Core", "Cucumber" => "Cucumber::Runtime", "Minitest" => "Minitest"
    }.freeze

    # @return [String] such as "Ruby 3.1.2"
    def self.platform_version
      return "Ruby #{RUBY_VERSION}" if RUBY_ENGINE == "ruby"

      "#{RUBY_ENGINE} #{RUBY_ENGINE_VERSION} (Ruby #{RUBY_VERSION})"
    end

    # @return [String, nil]
    def self.test_framework
      TEST_FRAMEWORKS.key(TEST_FRAMEWORKS.values.find { |path| loaded?(path) })
    end

    # Does what `defined?(A::B)` does, but never loads an A that is registered with autoload.
    def self.loaded?(path)
      path.split("::").inject(Object) do |scope, name|
        return false if !scope.is_a?(Module) || scope.autoload?(name) || !scope.const_defined?(name, false)

        scope.const_get(name, false)
      end
      true
    end
    private_class_method :loaded?
  end
end
