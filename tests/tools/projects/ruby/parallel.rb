# frozen_string_literal: true

# As parallel_tests does, whose processes are of this gem: a process with Minitest for each group of tests.
require "parallel"
require "minitest"
require_relative "report"

class Reports < Minitest::Test
  def test_reports
    report(ENV.fetch("GROUP").to_i)
  end
end

passed = Parallel.map([1, 2], in_processes: 2) do |group|
  ENV["GROUP"] = group.to_s
  Minitest.run([])
end
puts "groups passed: #{passed.count(true)}"
exit passed.all?
