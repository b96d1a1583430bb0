# frozen_string_literal: true

require_relative "helper"

# The native layer has the same functions, types and names as the header.
class NativeTest < Minitest::Test
  include Support

  HEADER = File.read(File.join(ROOT, "include/pact_telemetry.ffi.h"))
  CONSTANTS = JSON.parse(File.read(File.join(ROOT, "include/pact_telemetry.constants.json")))
  TYPES = { "uint32_t" => :uint32, "int32_t" => :int32, "int64_t" => :int64, "void" => :void }.freeze

  def test_every_function_of_the_header_is_there_with_its_types
    declared = HEADER.scan(/^([\w ]+?[ *]+)(pact_telemetry_\w+)\(([^)]*)\);/m).to_h do |result, name, parameters|
      parameters = parameters.split(",").map(&:strip)
      parameters = [] if parameters == ["void"]
      [name.to_sym, [parameters.map { |parameter| type(parameter.sub(/\w+\z/, "")) }, type(result)]]
    end
    assert_equal PactTelemetry::Native::FUNCTIONS, declared
    assert_equal HEADER.scan(/pact_telemetry_\w+\(/).size, declared.size, "a declaration was not understood"
  end

  def test_every_status_code_of_the_header_is_there
    declared = HEADER.scan(/^\s*(PACT_TELEMETRY_\w+) = (-?\d+),/).to_h.transform_values(&:to_i)
    refute_empty declared
    assert_equal declared, PactTelemetry::Native::STATUSES
  end

  def test_every_name_of_the_constants_is_there
    ours = PactTelemetry.constants.grep(/\A(EVENT|CATEGORY|ACTION|DATA_SOURCE)_/)
    assert_equal(CONSTANTS, ours.to_h { |name| [name.to_s, PactTelemetry.const_get(name)] })
  end

  def test_functions_with_a_timeout_and_no_others_release_the_lock
    waiting = HEADER.scan(/(pact_telemetry_\w+)\([^)]*timeout_ms\)/).flatten.map(&:to_sym)
    assert_equal waiting, PactTelemetry::Native::BLOCKING
  end

  def test_the_library_knows_every_status_by_the_same_name
    assert_nil PactTelemetry::Loader.problem
    PactTelemetry::Native::STATUSES.each do |name, status|
      assert_equal name, PactTelemetry::Native.pact_telemetry_status_name(status)
    end
  end

  private

  def type(text)
    case text.delete(" ")
    when "constchar*" then :string
    when /\*\z/ then :pointer
    else TYPES.fetch(text.strip)
    end
  end
end
