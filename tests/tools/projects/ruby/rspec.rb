# frozen_string_literal: true

require_relative "report"

RSpec.describe "a consumer" do
  it("reports") { report(1) }

  it "reports in a fork" do
    Process.wait(fork { report(2) })
  end
end
