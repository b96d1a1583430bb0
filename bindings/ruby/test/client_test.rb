# frozen_string_literal: true

require "ffi"
require_relative "helper"

# What a program sees that uses a client.
class ClientTest < Minitest::Test
  include Support

  def test_the_four_events_arrive_with_the_identity_of_the_library_that_reports_them
    Collector.run do |collector|
      four_events_to(collector.url)
      events = collector.events.map { |event| event.except("client_id", "os_arch", "api_version", "data_source") }
      who = { "library_name" => "pact-test", "library_title" => "Pact Test", "library_version" => "1.2.3",
              "test_framework" => "Minitest", "platform_version" => "Ruby #{RUBY_VERSION}" }
      assert_equal(FOUR_EVENTS.map { |event| event.merge(who) }, events)
    end
  end

  FOUR_EVENTS = [
    { "event" => "Pact mock server started", "category" => "ConsumerTest", "action" => "MockServerStarted",
      "value" => "1" },
    { "event" => "Pact consumer tests ran", "category" => "ConsumerTest", "action" => "Completed", "value" => "3" },
    { "event" => "Pacts verified", "category" => "ProviderTest", "action" => "Completed", "value" => "0" },
    { "event" => "Plugin loaded", "category" => "Plugin", "action" => "Loaded", "value" => "1",
      "plugin_name" => "csv", "plugin_version" => "0.0.6" }
  ].freeze

  def test_the_block_form_returns_what_the_block_returns_and_closes
    outer = nil
    result = PactTelemetry::Client.open(**options) do |client|
      outer = client
      :result
    end
    assert_equal :result, result
    assert_equal :closed, track(outer)
  end

  def test_the_block_form_closes_when_the_block_raises
    outer = nil
    assert_raises(RuntimeError) do
      PactTelemetry::Client.open(**options) do |client|
        outer = client
        raise "a test failed"
      end
    end
    assert_equal :closed, track(outer)
  end

  def test_open_without_a_block_is_new
    assert_nil PactTelemetry::Client.open(**options).unavailable_reason
  end

  def test_identity_can_be_given
    body = body_of(client(test_framework: "Ruby", "platform_version" => "mruby 3", data_source: :cli))
    assert_equal(["Ruby", "mruby 3", "cli"], body.fetch_values("test_framework", "platform_version", "data_source"))
    assert_nil body_of(client(test_framework: ""))["test_framework"]
    assert_equal "Minitest", body_of(client(test_framework: nil))["test_framework"]
  end

  def test_the_exit_timeout_is_rounded_up_to_milliseconds
    { 0 => 0, 0.000_1 => 1, 0.001_1 => 2, 0.1 => 100, 10 => 10_000 }.each do |seconds, milliseconds|
      assert_equal milliseconds, client(exit_timeout: seconds).explain[:exit_timeout_ms]
    end
  end

  def test_wrong_options_make_a_silent_client_that_says_why
    { { library: {} } => /library/, { library: 1 } => /library.*1/, options.merge(exit_timeout: []) => /exit_timeout/,
      options.merge(exit_timeout: Float::NAN) => /NaN/, options.merge(exit_timeout: 11) => /exit_timeout_ms/,
      options.merge(test_framework: "\xFF") => /the options cannot be used: /,
      options.merge(queue_capacity: "x") => /queue_capacity/,
      options.merge(protocol: [["ga4"]]) => /protocol/, options.merge(1 => 2) => /to_sym/,
      options.merge(notice: "never") => /`notice` must be one of stderr, host, shown/, options.merge(id: 7) => /`id`/ }
      .each do |wrong, reason|
      client = PactTelemetry::Client.new(**wrong)
      assert_match reason, client.unavailable_reason
      assert_equal %i[unavailable ok ok], [track(client), client.flush, client.close]
    end
  end

  def test_a_program_that_shows_the_notice_finds_it_and_nothing_leaves_before_it_was_shown
    ENV["PACT_TELEMETRY_STATE_DIR"] = Dir.mktmpdir("untold", HOME)
    Collector.run do |collector|
      client = client(collector.url, notice: :host, id: :random)
      explained = client.explain
      assert_equal([:random, nil], [explained[:id], explained[:notice].fetch(:shown_ms)])
      assert_match(/PACT_DO_NOT_TRACK/, explained.dig(:notice, :text))
      assert_equal(%i[ok kept], [track(client), client.close])
      assert_empty collector.events
    end
  end

  def test_options_that_contain_themselves_are_an_error
    endless = []
    endless << endless
    assert_match(/nesting/, client(state_dir: endless).unavailable_reason)
  end

  def test_enabled_turns_the_client_off_and_on
    client = client()
    assert_predicate client, :enabled?
    client.enabled = false
    assert_equal [false, :disabled], [client.enabled?, track(client)]
    client.enabled = true
    assert_equal [true, :ok], [client.enabled?, track(client)]
    client.enabled = nil
    refute_predicate client, :enabled?
  end

  def test_a_client_made_with_enabled_false_stays_off_until_it_is_turned_on
    client = client(enabled: false)
    assert_equal [:disabled] * 3, Array.new(3) { track(client) }
    client.enabled = true
    assert_equal [:ok, true], [track(client), client.enabled?]
    assert_equal 3, client.stats.dig(:not_accepted, :disabled)
  end

  def test_changes_of_the_environment_are_obeyed_at_once
    client = client()
    %w[PACT_DO_NOT_TRACK pact_do_not_track DO_NOT_TRACK].each do |name|
      assert_equal :ok, track(client)
      ENV[name] = "1"
      assert_equal [:disabled, false, name], [track(client), client.enabled?, client.explain[:rule]]
      ENV.delete(name)
    end
    assert_equal 3, client.stats.dig(:not_accepted, :disabled)
  ensure
    ENV.delete_if { |name, _| name.match?(/do_not_track/i) }
  end

  def test_without_credentials_it_is_not_configured
    assert_equal :not_configured, track(unconfigured)
  end

  def test_events_beyond_the_capacity_of_the_queue_are_refused
    Collector.run("--answers", "hang*") do |collector|
      client = client(collector.url, queue_capacity: 1)
      outcomes = Array.new(200) { track(client) }
      assert_equal %i[ok queue_full], outcomes.uniq.sort
      client.enabled = false
    end
  end

  def test_flush_reports_delivery_and_the_end_of_its_time
    Collector.run("--answers", "ok,delay=3000") do |collector|
      client = client(collector.url)
      assert_equal :ok, client.flush
      track(client)
      assert_equal :ok, client.flush(timeout: PATIENCE)
      track(client)
      assert_equal :error_timeout, client.flush(timeout: 0)
      assert_equal :error_timeout, client.flush(timeout: 0.05)
    end
  end

  def test_every_value_is_accepted_as_a_timeout
    client = client()
    [nil, -1, -1.5, 2.5, Float::NAN, Float::INFINITY, 2**70, "1", Object.new, Complex(1, 2)].each do |timeout|
      assert_equal :ok, client.flush(timeout: timeout), timeout.inspect
    end
    assert_equal :ok, client.close(timeout: nil)
  end

  def test_a_missing_keyword_raises
    assert_raises(ArgumentError) { PactTelemetry::Client.new(enabled: false) }
    assert_raises(ArgumentError) { PactTelemetry::Client.open(enabled: false) }
    client = client()
    [{}, { category: "c" }, { action: "a" }].each do |some|
      assert_raises(ArgumentError) { client.track("e", **some) }
      assert_raises(ArgumentError) { client.preview("e", **some) }
    end
  end

  def test_explain_returns_state_and_rules_as_symbols
    explained = client.explain
    assert_equal [:ok, nil, true, :enabled, nil, :hostname],
                 explained.fetch_values(:outcome, :reason, :enabled, :state, :rule, :id)
    assert_equal %i[on no_opinion], explained[:rules].map { |rule| rule[:says] }.uniq
    assert_equal :not_configured, unconfigured.explain[:state]
    off = client(enabled: false).explain
    assert_equal %i[disabled off], [off[:state], off[:rules][0][:says]]
  end

  def test_a_preview_is_the_request_or_the_reason
    client = client()
    preview = client.preview("Über", category: "c", action: "a", value: 2, plugin_name: "p")
    assert_equal [:ok, nil, "POST"], preview.fetch_values(:outcome, :reason, :method)
    assert_includes preview[:body], "Über"
    assert_equal Encoding::UTF_8, preview[:body].encoding
    refused = client.preview("", category: "c", action: "a")
    assert_equal preview.keys, refused.keys
    assert_equal [:error_empty, "the library refuses: error_empty", nil], refused.fetch_values(:outcome, :reason, :body)
  end

  # The answers without a library are written by hand in the binding, so they are compared with the library's own.
  def test_every_answer_has_every_key_in_every_state
    closed = client.tap(&:close)
    states = [client, closed, client(enabled: false), unconfigured, client(queue_capacity: 0)]
    assert_equal(%i[enabled closed disabled not_configured unavailable], states.map { |client| client.explain[:state] })
    %i[explain stats].each do |name|
      shapes = states.map { |client| shape(client.send(name)) }
      assert_equal [shapes[0]], shapes.uniq, name
    end
    event = ["e", { category: "c", action: "a" }]
    shapes = states.map { |client| client.preview(event[0], **event[1]).keys }
    assert_equal [shapes[0]], shapes.uniq
  end

  def test_the_documentation_names_every_counter
    documented = File.read(File.join(ROOT, "docs/config.md")).scan(/^\| `(\w+)` \|/).flatten
    told = client.stats.except(:outcome, :reason)
    assert_empty told.keys.map(&:to_s) - documented - ["unconfirmed"]
  end

  def test_what_a_client_that_is_off_refuses_is_counted_with_the_reason_at_that_time
    client = unconfigured
    ENV["DO_NOT_TRACK"] = "1"
    assert_equal [:disabled] * 3, Array.new(3) { track(client) }
    ENV.delete("DO_NOT_TRACK")
    assert_equal :not_configured, track(client)
    client.enabled = false
    assert_equal [:disabled] * 3, Array.new(3) { track(client) }
    client.enabled = true
    assert_equal :not_configured, track(client)
    client.enabled = false
    client.close
    assert_equal [:closed] * 2, Array.new(2) { track(client) }
    assert_equal({ disabled: 6, not_configured: 2, queue_full: 0, closed: 2, invalid: 0 }, client.stats[:not_accepted])
  ensure
    ENV.delete("DO_NOT_TRACK")
  end

  # The functions of the C library. `putenv` keeps the memory that it is given as a part of the environment.
  module Environment
    extend FFI::Library
    ffi_lib FFI::Library::LIBC
    attach_function :putenv, [:pointer], :int
    attach_function :unsetenv, [:string], :int
  end

  def test_an_opt_out_in_the_memory_of_another_variable_holds_at_once
    client = unconfigured
    entry = FFI::MemoryPointer.new(:char, 32)
    entry.put_string(0, "AA_NOT_TRACK=1")
    assert_equal 0, Environment.putenv(entry)
    assert_equal :not_configured, track(client)
    entry.put_string(0, "DO_NOT_TRACK=1")
    assert_equal [:disabled, "DO_NOT_TRACK"], [track(client), client.explain[:rule]]
    entry.put_string(0, "AA_NOT_TRACK=1")
    assert_equal :not_configured, track(client)
  ensure
    Environment.unsetenv(entry.get_string(0).partition("=").first)
  end

  def test_inspect_shows_no_credentials
    assert_equal "#<PactTelemetry::Client enabled>", client.inspect
  end

  def test_an_answer_that_does_not_fit_is_asked_for_again
    unknown = Array.new(200) { |number| [:"unknown_key_#{number}", number] }.to_h
    explained = client(**unknown).explain
    assert_operator JSON.generate(explained).bytesize, :>, PactTelemetry::Text::CAPACITY
    assert_includes explained[:diagnostics].inspect, "unknown_key_199"
  end

  # The outcome is the library's own name of the status, or else what its sign says.
  def test_statuses_that_this_version_does_not_know
    client = client()
    assert_equal :not_delivered, client.send(:outcome, 1_000_000)
    assert_equal :error, client.send(:outcome, -1_000_000)
    PactTelemetry::Native.stub(:pact_telemetry_status_name, "PACT_TELEMETRY_BRAND_NEW") do
      assert_equal :brand_new, client.send(:outcome, 1_000_000)
    end
  end

  private

  def four_events_to(url)
    PactTelemetry::Client.open(**options(url)) do |telemetry|
      outcomes = [telemetry.mock_server_started, telemetry.consumer_tests_ran(3), telemetry.pacts_verified(0),
                  telemetry.plugin_loaded("csv", "0.0.6")]
      assert_equal [:ok] * 4, outcomes
      assert_equal :ok, telemetry.flush(timeout: PATIENCE)
      assert_equal({ accepted: 4, delivered: 4 }, telemetry.stats.slice(:accepted, :delivered))
    end
  end

  def unconfigured
    PactTelemetry::Client.new(library: { id: "i", name: "n", version: "1" })
  end

  # Every key, at every depth, except those in the elements of a list.
  def shape(answer)
    answer.transform_values { |value| value.is_a?(Hash) ? shape(value) : nil }.sort_by(&:first)
  end

  def body_of(client)
    assert_nil client.unavailable_reason
    body = JSON.parse(client.preview("e", category: "c", action: "a").fetch(:body))
    body.dig("events", 0, "params")
  end
end
