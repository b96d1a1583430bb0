# frozen_string_literal: true

require_relative "report"

# A provider that lives longer than the hold. The path is the number of the event.
run(lambda do |env|
  report(env["PATH_INFO"].delete("/").to_i)
  [200, {}, ["reported"]]
end)
