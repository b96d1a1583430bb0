# frozen_string_literal: true

require "minitest/autorun"
require_relative "report"

class Reports < Minitest::Test
  def test_reports
    report(1)
  end

  def test_reports_in_a_fork
    Process.wait(fork { report(2) })
    assert_predicate $?, :success?
  end
end
