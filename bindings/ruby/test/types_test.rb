# frozen_string_literal: true

require_relative "helper"

# sig/pact_telemetry.rbs is valid, and agrees with the code: a process that RBS instruments makes every call in every
# state.
class TypesTest < Minitest::Test
  include Support

  def setup
    super
    skip "NOT RUN: the gem rbs, which comes with Ruby, is not here" if Gem::Specification.find_all_by_name("rbs").empty?
  end

  SIGNATURES = File.join(GEM, "sig")

  USE = <<~'RUBY'
    library = { id: "i", name: "n", version: "1" }
    ready = { measurement_id: "G-1", api_secret: "s", endpoint: "http://127.0.0.1:9", library: library }
    states = [PactTelemetry::Client.new(**ready), PactTelemetry::Client.new(**ready, enabled: false),
              PactTelemetry::Client.new(library: library), PactTelemetry::Client.new(**ready, queue_capacity: 0)]
    states.each do |client|
      2.times do
        client.track("e", category: "c", action: :a)
        client.track("", category: :c, action: "a", value: 2, plugin_name: "p", plugin_version: nil)
        [client.pacts_verified(1), client.consumer_tests_ran(1), client.plugin_loaded("p"), client.mock_server_started]
        [client.explain, client.stats, client.preview("e", category: "c", action: "a"), client.inspect, client.enabled?]
        client.preview("", category: "c", action: "a")
        [client.persist(timeout: 0), client.flush(timeout: 0.001), client.close(timeout: 1), client.unavailable_reason]
      end
      client.enabled = false
    end
    PactTelemetry::Client.open(**ready) { |client| client.track("e", category: "c", action: "a") }
  RUBY

  def test_the_signatures_are_valid
    out, status = Open3.capture2e(RbConfig.ruby, "-W0", "-rrbs", "-rrbs/cli", "-e",
                                  "RBS::CLI.new(stdout: $stdout, stderr: $stderr).run(ARGV)",
                                  "--", "-I", SIGNATURES, "validate", "--silent")
    assert status.success?, out
  end

  def test_every_public_name_has_a_signature
    text = File.read(File.join(SIGNATURES, "pact_telemetry.rbs"))
    methods = PactTelemetry::Client.public_instance_methods(false) + [:open]
    missing = methods.reject { |name| text.match?(/^    (def (self\.)?|attr_reader )#{Regexp.escape(name)}:/) }
    assert_empty missing - [:unavailable_reason]
    public_constants = PactTelemetry.constants.grep(/\A[A-Z_]+\z/)
    assert_empty(public_constants.reject { |name| text.match?(/^  #{name}: String$/) })
  end

  def test_the_code_does_what_the_signatures_say
    assert_nil instrumented(USE)
  end

  # Each of these changes makes the signatures wrong.
  LIES = {
    ":enabled | :disabled" => ":enabled", "rule: String, says" => "rule: Integer, says",
    "| :unavailable | :not_d" => "| :not_d"
  }.freeze

  def test_a_wrong_signature_is_noticed
    LIES.each do |truth, lie|
      Dir.mktmpdir do |folder|
        text = File.read(File.join(SIGNATURES, "pact_telemetry.rbs"))
        assert_includes text, truth
        File.write(File.join(folder, "wrong.rbs"), text.sub(truth, lie))
        refute_nil instrumented(USE, signatures: folder), lie
      end
    end
  end

  # Mistakes in a program that a type checker must find.
  WRONG = [
    "PactTelemetry::Client.new(library: LIBRARY, enbled: true)",
    "PactTelemetry::Client.open(library: LIBRARY, enbled: true)",
    "PactTelemetry::Client.new(library: { id: 'i' })", "PactTelemetry::Client.new(library: LIBRARY, notice: :never)",
    "CLIENT.track(1, category: 'c', action: 'a')", "CLIENT.flush(timeout: '1')", "CLIENT.pacts_verified(nil)"
  ].freeze

  def test_misspelt_options_and_wrong_arguments_are_refused
    assert_nil instrumented(<<~RUBY)
      LIBRARY = { id: "i", name: "n", version: "1" }
      CLIENT = PactTelemetry::Client.new(library: LIBRARY)
      #{WRONG.inspect}.each do |code|
        eval(code)
        abort "RBS::Test::Tester::TypeError expected of \#{code}"
      rescue RBS::Test::Tester::TypeError
        next
      end
    RUBY
  end

  private

  # @return [String, nil] the fault that RBS found
  def instrumented(code, signatures: SIGNATURES)
    environment = { "RBS_TEST_TARGET" => "PactTelemetry::*", "RBS_TEST_OPT" => "-I #{signatures}",
                    "RBS_TEST_RAISE" => "true", "RBS_TEST_LOGLEVEL" => "error" }
    out, status = Open3.capture2e(environment, RbConfig.ruby, "-W0", "-I#{LIB}", "-rrbs/test/setup", "-rpact_telemetry",
                                  "-e", code)
    return if status.success?

    assert_match(/RBS::Test::Tester::TypeError/, out)
    out
  end
end
