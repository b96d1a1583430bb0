# frozen_string_literal: true

require_relative "helper"
require "socket"

# Real programs that fork their workers. What a worker tracks arrives, or is on disk for the next process, in whichever
# way the worker ends.
class HostsTest < Minitest::Test
  include Support

  def needs(gem)
    skip "NOT RUN: there is no gem #{gem}" if Gem::Specification.find_all_by_name(gem).empty?
  end

  # parallel_tests makes its processes with this gem.
  def test_processes_of_the_parallel_gem
    needs "parallel"
    Collector.run do |collector|
      ruby!(<<~RUBY, options: options(collector.url), arguments: ["-W1", "-I#{LIB}", "-rpact_telemetry", "-rparallel"])
        client = PactTelemetry::Client.new(**OPTIONS)
        client.track("parent", category: "c", action: "a")
        Parallel.each(1..8, in_processes: 3) { |number| client.track("job \#{number}", category: "c", action: "a") }
      RUBY
      assert_equal [*(1..8).map { |number| "job #{number}" }, "parent"], reported(collector, /job \d|parent/)
    end
  end

  # With preloading the master makes the client before the fork; without it each worker makes its own.
  [true, false].each do |preload|
    define_method("test_clustered_workers_of_puma_#{preload ? 'with' : 'without'}_preloading") do
      needs "puma"
      Collector.run do |collector|
        with_puma(collector, preload: preload) { |socket| 6.times { |number| get(socket, "/request#{number}") } }
        assert_equal((0..5).map { |number| "request#{number}" }, reported(collector, /request\d/))
      end
    end
  end

  # A preloader, such as Spring, is a process that has tracked and forks a process for each command. A command that ends
  # by `exit!` or a signal leaves its event on disk for the next process, unless the event was sent before.
  def test_a_preloader
    Collector.run do |collector|
      ruby!(<<~RUBY, options: options(collector.url))
        client = PactTelemetry::Client.new(**OPTIONS)
        client.track("loaded", category: "c", action: "a")
        client.flush(timeout: #{PATIENCE})
        ["exit!", "Process.kill(:TERM, $$); sleep", "exit", "raise SystemExit"].each_with_index do |code, number|
          Process.wait(fork { client.track("command \#{number}", category: "c", action: "a"); eval(code) })
        end
        client.track("ends", category: "c", action: "a")
      RUBY
      assert_equal [*(0..3).map { |number| "command #{number}" }, "ends", "loaded"],
                   reported(collector, /command \d|ends|loaded/)
    end
  end

  private

  # The names of the events that arrived or that wait on disk.
  def reported(collector, names)
    spool = Dir.glob(File.join(ENV.fetch("PACT_TELEMETRY_STATE_DIR"), "spool/**/*")).select { |path| File.file?(path) }
    (collector.names + spool.flat_map { |path| File.binread(path).scan(names) }).uniq.sort
  end

  def with_puma(collector, preload:)
    Dir.mktmpdir do |folder|
      File.write(File.join(folder, "config.ru"), <<~RUBY)
        require "pact_telemetry"
        client = PactTelemetry::Client.new(**#{options(collector.url).inspect})
        run(lambda do |env|
          client.track(env["PATH_INFO"].delete("/"), category: "c", action: "a")
          [200, {}, ["done"]]
        end)
      RUBY
      socket = File.join(folder, "puma.socket")
      File.write(File.join(folder, "puma.rb"), "workers 2\nbind 'unix://#{socket}'\n#{'preload_app!' if preload}\n")
      puma = spawn({ "RUBYLIB" => LIB }, "puma", "-C", "puma.rb", chdir: folder, out: File::NULL)
      Timeout.timeout(PATIENCE) { sleep 0.05 until File.exist?(socket) }
      yield socket
    ensure
      Process.kill(:TERM, puma)
      Process.wait(puma)
    end
  end

  def get(socket, path)
    UNIXSocket.open(socket) do |server|
      server.write("GET #{path} HTTP/1.0\r\n\r\n")
      assert_match(/done\z/, Timeout.timeout(PATIENCE) { server.read })
    end
  end
end
