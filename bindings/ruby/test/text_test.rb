# frozen_string_literal: true

require_relative "helper"

# `track` returns an outcome for every argument.
class TextTest < Minitest::Test
  include Support

  def test_other_encodings_arrive_as_utf8
    Collector.run do |collector|
      client = client(collector.url)
      texts = ["Größe", "Größe".encode("ISO-8859-1"), "Größe".encode("UTF-16LE"), "Größe".encode("UTF-16"), "Größe".b,
               "日本".encode("Shift_JIS"), "plain".encode("US-ASCII"), :symbol, :größe, "long frozen text"[5, 6].freeze]
      assert_equal([:ok] * texts.size, texts.map { |text| track(client, text) })
      client.close(timeout: PATIENCE)
      expected = (["Größe"] * 5) + %w[日本 plain symbol größe frozen]
      assert_equal(expected, collector.events.map { |event| event["event"] })
    end
  end

  def test_symbols_are_accepted_as_texts
    client = client()
    assert_equal :ok, client.track(:e, category: :c, action: :a, plugin_name: :p, plugin_version: "1")
    assert_equal :ok, client.plugin_loaded(:csv)
  end

  def test_a_text_is_not_changed
    text = "a\0b".encode("UTF-16LE").freeze
    track(client, text)
    assert_equal "a\0b".encode("UTF-16LE"), text
  end

  BAD = [
    [nil, :error_null], ["", :error_empty], [" \t", :error_empty], ["x" * 501, :error_too_long],
    ["\xC3\x28", :error_utf8], ["\xC3\x28".b, :error_utf8], ["\x82".dup.force_encoding("Shift_JIS"), :error_utf8],
    ["+AGE-".dup.force_encoding("UTF-7"), :error_utf8], ["a\0b", :error_forbidden], ["\0", :error_forbidden],
    ["a\0b".encode("UTF-16LE"), :error_forbidden], ["/home/alice", :error_forbidden], [42, :error_utf8],
    [[], :error_utf8], [Object.new, :error_utf8], [BasicObject.new, :error_utf8], [Class, :error_utf8]
  ].freeze

  def test_bad_texts_get_the_error_of_the_library
    client = client()
    BAD.each do |text, outcome|
      assert_equal outcome, track(client, text), outcome
      assert_equal outcome, client.track("e", category: "c", action: text), outcome
    end
    assert_equal 0, client.stats[:accepted]
  end

  def test_no_object_makes_a_client_raise
    client = client()
    hostile = Class.new { %i[! == hash inspect].each { |name| define_method(name) { |*| raise "no" } } }.new
    nested = 100_000.times.inject([]) { |inner, _| [inner] }
    [hostile, nested].each do |object|
      assert_equal :error_utf8, track(client, object)
      assert_equal :error_range, track(client, value: object)
      client.enabled = object
      assert client.enabled?
    end
    assert_includes client(exit_timeout: nested).unavailable_reason, "the options cannot be used"
  end

  def test_bad_plugin_names_and_versions_get_the_error_of_the_library
    client = client()
    [["\xFF", :error_utf8], [1, :error_utf8], ["a\0", :error_forbidden], ["x" * 151, :error_too_long]]
      .each { |text, outcome| assert_equal outcome, client.plugin_loaded(text, "1") }
    assert_equal :error_utf8, client.plugin_loaded("p", 1)
  end

  def test_only_counts_of_64_bits_are_accepted_as_values
    client = client()
    [0, 1, (2**63) - 1].each { |value| assert_equal :ok, track(client, value: value) }
    [-1, 2**63, -(2**63), -(2**63) - 1, 2**200, 1.5, Float::NAN, nil, "1", Object.new, BasicObject.new].each do |value|
      refute_equal :ok, track(client, value: value)
    end
    assert_equal :error_range, track(client, value: 2**63)
    assert_equal :error_range, client.pacts_verified(nil)
  end
end
