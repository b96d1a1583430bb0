# frozen_string_literal: true

require "fileutils"
require "json"
require "minitest/autorun"
require "open3"
require "rbconfig"
require "timeout"
require "tmpdir"

# What the tests share: an environment of their own, the real collector, and programs in processes of their own.
module Support
  GEM = File.expand_path("..", __dir__)
  ROOT = File.expand_path("../..", GEM)
  LIB = File.join(GEM, "lib")
  LIBRARY = File.expand_path(ENV.fetch("PACT_TELEMETRY_LIBRARY", File.join(ROOT, "build/lib/libpact_telemetry.so")))
  COMMAND = File.expand_path(ENV.fetch("PACT_TELEMETRY_COMMAND", File.join(ROOT, "target/debug/pact-telemetry")))

  # Long enough for a busy machine; nothing waits this long unless it fails.
  PATIENCE = 30

  HOME = Dir.mktmpdir("pact-telemetry-ruby")
  Minitest.after_run { FileUtils.remove_entry(HOME, true) } # the library may write there meanwhile

  # The tests use neither the choices nor the proxies of the person who runs them.
  ENV.delete_if { |name, _| name.match?(/\APACT|DO_NOT_TRACK|_PROXY\z|\AXDG_/i) }
  ENV.update("HOME" => HOME, "CI" => "true", "PACT_TELEMETRY_LIBRARY" => LIBRARY)

  $LOAD_PATH.unshift(LIB)
  require "pact_telemetry"

  # `pact-telemetry collect` as a process.
  class Collector
    attr_reader :url

    # @yieldparam collector [Collector] is stopped afterwards
    def self.run(*arguments)
      collector = new(*arguments)
      yield collector
    ensure
      collector&.lines
    end

    def initialize(*arguments)
      @output = IO.popen([COMMAND, "collect", *arguments], err: File::NULL)
      @url = JSON.parse(@output.gets).fetch("url")
      @reader = Thread.new { @output.readlines } # the collector would stop answering if its output were not read
    end

    # Everything that has arrived. Stops the collector.
    def lines
      return @lines if @lines

      Process.kill("TERM", @output.pid)
      @lines = @reader.value.map { |line| JSON.parse(line) }
      @output.close
      @lines
    end

    def events
      lines.select { |line| line["type"] == "event" }.map { |line| line.fetch("fields") }
    end

    def names
      events.map { |event| event.fetch("event") }.sort
    end
  end

  Ended = Struct.new(:out, :err, :status, :seconds)

  # Each test has a state folder of its own, so that no test sees the events and failures of another. In it the notice
  # was shown before.
  def setup
    super
    ENV["PACT_TELEMETRY_STATE_DIR"] = Dir.mktmpdir("state", HOME)
    File.write(File.join(ENV.fetch("PACT_TELEMETRY_STATE_DIR"), "notice.json"), '{"shown_ms":1}')
  end

  # Complete options.
  def options(endpoint = "http://127.0.0.1:9", **more)
    { library: { id: "pact-test", name: "Pact Test", version: "1.2.3" }, endpoint: endpoint, measurement_id: "G-TEST",
      api_secret: "secret", exit_timeout: 10, **more }
  end

  def client(endpoint = "http://127.0.0.1:9", **more)
    PactTelemetry::Client.new(**options(endpoint, **more))
  end

  # The name of the event distinguishes the events of a test.
  def track(client, name = "named", **more)
    client.track(name, category: "c", action: "a", **more)
  end

  # How many events wait on disk for the next process, as the command counts them.
  def waiting
    out, status = Open3.capture2(COMMAND, "status", "--json")
    assert_predicate status, :success?
    JSON.parse(out).dig("waiting", "events")
  end

  # Runs a Ruby program with warnings, and with the options of a client in OPTIONS.
  def ruby(code, options: {}, environment: {}, arguments: ["-I#{LIB}", "-rpact_telemetry"])
    code = "OPTIONS = #{options.inspect}\n#{code}"
    since = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    out, err, status = Timeout.timeout(PATIENCE * 2) do
      Open3.capture3(environment, RbConfig.ruby, "-W", *arguments, "-e", code)
    end
    Ended.new(out, err, status, Process.clock_gettime(Process::CLOCK_MONOTONIC) - since)
  end

  # Does the same for a program that must succeed and print nothing on standard error. Returns what it printed.
  def ruby!(code, **more)
    ended = ruby(code, **more)
    assert ended.status.success?, "#{ended.status}\n#{ended.err}"
    assert_empty ended.err
    ended.out
  end
end
