# frozen_string_literal: true

require_relative "helper"

# The test framework is recognised by what is loaded, and nothing is loaded to find out.
class RuntimeTest < Minitest::Test
  include Support

  DETECT = "p PactTelemetry::Runtime.test_framework"

  def test_each_framework_and_none
    { "" => nil, "module Minitest; end" => "Minitest", "module RSpec; module Core; end; end" => "RSpec",
      "module Cucumber; class Runtime; end; end" => "Cucumber", "require 'minitest'" => "Minitest",
      "module Minitest; end; module RSpec; module Core; end; end" => "RSpec",
      "module Minitest; end; module RSpec; end; module Cucumber; class Runtime; end; end" => "Cucumber",
      "module RSpec; module Matchers; end; end" => nil, "RSpec = 1" => nil }
      .each { |code, framework| assert_equal "#{framework.inspect}\n", ruby!("#{code}\n#{DETECT}"), code }
  end

  def test_what_is_registered_with_autoload_stays_unloaded
    Dir.mktmpdir do |folder|
      File.write(path = File.join(folder, "loaded.rb"), "abort 'was loaded'")
      assert_equal "nil\n", ruby!(<<~RUBY)
        autoload :Minitest, #{path.inspect}
        autoload :RSpec, #{path.inspect}
        module Cucumber; autoload :Runtime, #{path.inspect}; end
        def Object.const_missing(name) = abort("was asked for")
        #{DETECT}
      RUBY
    end
  end

  def test_the_version_of_ruby
    assert_equal "Ruby #{RUBY_VERSION}", PactTelemetry::Runtime.platform_version
  end
end
