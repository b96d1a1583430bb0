# frozen_string_literal: true

require_relative "helper"

# The replayer understands its protocol. The conformance cases themselves check what the library answers.
class ConformanceTest < Minitest::Test
  include Support

  CONFIG = JSON.generate(library: { id: "i", name: "n", version: "1" }, measurement_id: "G-1", api_secret: "s",
                         endpoint: "http://127.0.0.1:9")
  EVENT = { event: "e", category: "c", action: "a", value: 1 }.freeze

  def test_every_call_and_its_form
    expected = { { call: "abi_version" } => 1, { call: "status_name", status: -2 } => "PACT_TELEMETRY_ERROR_UTF8",
                 { call: "track", **EVENT } => 0, { call: "track", **EVENT, event: { hex: "c328" } } => -2,
                 { call: "track", **EVENT, event: nil } => -1, { call: "brand_new" } => "unsupported",
                 { call: "track", **EVENT, event: "a\0" } => "unsupported", { call: "is_enabled" } => 1,
                 { call: "setenv", name: "DO_NOT_TRACK", value: "1" } => 0, { call: "track", **EVENT, value: 2 } => 1,
                 { call: "setenv", name: "DO_NOT_TRACK", value: nil } => 0, { call: "track", **EVENT, value: -1 } => -6,
                 { call: "preview", **EVENT, event: "" } => -3, { call: "explain", capacity: 2 } => "{",
                 { call: "stats", capacity: 0 } => "", { call: "set_enabled", enabled: 0 } => 0,
                 { call: "flush", timeout: nil } => "unsupported", { call: "flush", timeout_ms: 1000 } => Integer,
                 { call: "close", timeout_ms: 1000 } => Integer }
    replayed = replay({ name: "all", config: CONFIG, calls: expected.keys })
    assert_equal([["all", nil]], replayed.map { |answer| answer.values_at("name", "new") })
    expected.zip(replayed.dig(0, "results")) do |(call, answer), got|
      assert_operator answer, :===, got, call # any Integer where a race with the library's threads decides
    end
  end

  def test_texts
    calls = [{ call: "preview", **EVENT, event: "Über" }, { call: "explain" }, { call: "stats" }, { call: "version" }]
    results = replay({ name: "t", config: CONFIG, calls: calls }).dig(0, "results")
    assert_includes results[0], "Über"
    assert_equal "enabled", JSON.parse(results[1]).fetch("state")
    assert_equal 0, JSON.parse(results[2]).fetch("accepted")
    assert_match(/\A\d+\.\d+\.\d+/, results[3])
  end

  def test_without_a_client
    wrong = replay({ name: "a", config: "[]", calls: [{ call: "stats" }] }, { name: "b", config: nil, calls: [] })
    assert_match(/JSON object/, wrong[0]["new"])
    assert_equal [-1], wrong[0]["results"]
    refute_empty wrong[1]["new"]
  end

  private

  def replay(*cases)
    lines = cases.map { |given| "#{JSON.generate(given)}\n" }.join
    out, err, status = Open3.capture3(RbConfig.ruby, "-W", File.join(GEM, "conformance"), stdin_data: lines)
    assert status.success?, err
    assert_empty err
    out.lines.map { |line| JSON.parse(line) }
  end
end
