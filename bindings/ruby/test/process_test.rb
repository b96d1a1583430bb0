# frozen_string_literal: true

require_relative "helper"

# Clients in processes that fork, and at the exit of processes.
class ProcessTest < Minitest::Test
  include Support

  def test_after_a_fork_parent_and_child_each_report_their_own_events
    Collector.run do |collector|
      client = client(collector.url)
      track(client, "before")
      child = fork do
        track(client, "child")
        exit!(client.close(timeout: PATIENCE) == :ok)
      end
      track(client, "after")
      assert_equal :ok, client.close(timeout: PATIENCE)
      Process.wait(child)
      assert_predicate Process.last_status, :success?
      assert_equal %w[after before child], collector.names
    end
  end

  def test_a_fork_while_threads_track_flush_and_make_clients
    Collector.run do |collector|
      ruby!(<<~RUBY, options: options(collector.url))
        client = PactTelemetry::Client.new(**OPTIONS)
        busy = [-> { client.track("busy", category: "c", action: "a") }, -> { client.flush },
                -> { PactTelemetry::Client.new(**OPTIONS) }]
        busy.map! { |work| Thread.new { loop { work.call; sleep 0.001 } } }
        children = Array.new(10) do |number|
          sleep 0.005
          fork { client.track("child \#{number}", category: "c", action: "a") }
        end
        children.each { |child| Process.wait(child); abort "a child failed" unless Process.last_status.success? }
        busy.each(&:kill).each(&:join)
      RUBY
      assert_equal(Array.new(10) { |number| "child #{number}" }, collector.names.grep(/child/))
    end
  end

  def test_children_and_grandchildren_that_exit_without_a_close_report_their_events
    Collector.run do |collector|
      ruby!(<<~RUBY, options: options(collector.url))
        client = PactTelemetry::Client.new(**OPTIONS)
        child = fork do
          client.track("child", category: "c", action: "a")
          Process.wait(fork { client.track("grandchild", category: "c", action: "a") })
        end
        Process.wait(child)
        client.track("parent", category: "c", action: "a")
      RUBY
      assert_equal %w[child grandchild parent], collector.names
    end
  end

  # {what a process does last, with a client that was not closed => its exit code}
  ENDS = {
    "" => 0, "exit 3" => 3, "raise 'a test failed'" => 1, "abort" => 1, "GC.start" => 0,
    "Thread.new { loop { client.track('t', category: 'c', action: 'a') } }" => 0,
    "Thread.new { loop { PactTelemetry::Client.new(**OPTIONS) } }; sleep 0.05" => 0,
    "at_exit { client.track('late', category: 'c', action: 'a') }" => 0,
    "ObjectSpace.define_finalizer(+'', proc { client.track('last', category: 'c', action: 'a') })" => 0
  }.freeze

  ENDS.each do |code, status|
    define_method("test_a_process_that_ends_by_#{code.inspect}") do
      Collector.run do |collector|
        ended = ruby("client = PactTelemetry::Client.new(**OPTIONS)\nclient.mock_server_started\n#{code}",
                     options: options(collector.url))
        assert_equal status, ended.status.exitstatus, ended.err
        assert_empty ended.err unless code.start_with?("raise")
        assert_includes collector.names, "Pact mock server started"
      end
    end
  end

  def test_the_exit_does_not_wait_for_a_collector_that_hangs
    Collector.run("--answers", "hang*") do |collector|
      ended = ruby("PactTelemetry::Client.new(**OPTIONS).mock_server_started",
                   options: options(collector.url, exit_timeout: 0.1))
      assert_predicate ended.status, :success?
      assert_operator ended.seconds, :<, 5
    end
  end

  def test_opted_out_starts_no_thread
    out = ruby!(<<~RUBY, options: options, environment: { "PACT_DO_NOT_TRACK" => "1" })
      before = Dir.children("/proc/self/task").size
      client = PactTelemetry::Client.new(**OPTIONS)
      p client.pacts_verified(1), client.flush, Dir.children("/proc/self/task").size - before
    RUBY
    assert_equal ":disabled\n:ok\n0\n", out
  end
end
