# frozen_string_literal: true

require_relative "helper"

# A client may be closed, collected, copied and used by several threads at any time.
class LifecycleTest < Minitest::Test
  include Support

  # Records each client that is freed.
  COUNT = <<~RUBY
    Freed = []
    raise PactTelemetry::Loader.problem if PactTelemetry::Loader.problem
    PactTelemetry::Native.singleton_class.prepend(Module.new do
      def pact_telemetry_free(pointer)
        Freed << pointer.address
        print("f") if $stdout.sync
        super
      end
    end)
  RUBY

  def test_after_close_every_call_returns_closed_or_ok
    client = client()
    assert_equal :ok, client.close
    assert_equal %i[closed closed ok ok ok],
                 [track(client), client.pacts_verified(1), client.flush, client.persist, client.close]
    client.enabled = true
    refute_predicate client, :enabled?
    assert_equal :closed, client.explain[:state]
    assert_equal 2, client.stats.dig(:not_accepted, :closed)
    assert_equal "POST", client.preview("e", category: "c", action: "a")[:method]
    assert_nil client.unavailable_reason
  end

  # The last finalizers of a process free the clients that are left, so the test counts what they print.
  def test_each_client_is_freed_exactly_once
    out = ruby!(<<~RUBY, options: options)
      #{COUNT}
      $stdout.sync = true
      def make = PactTelemetry::Client.new(**OPTIONS)
      def use
        client = make
        Array.new(4) { Thread.new { client.close } }.each(&:join)
        client.close
      end
      100.times { use }
      GC.start
      abort "nothing was collected" if Freed.size < 90
      100.times { make }
      KEPT = Array.new(100) { make }
    RUBY
    assert_equal "f" * 300, out
  end

  def test_two_thousand_clients_that_are_collected_are_freed_and_start_no_thread
    out = ruby!(<<~RUBY, options: options)
      #{COUNT}
      def make(count) = count.times { PactTelemetry::Client.new(**OPTIONS) }
      def resident = File.read("/proc/self/statm").split[1].to_i * 4096
      make(1)
      make(2000)
      GC.start
      before = resident
      freed = Freed.size
      make(2000)
      GC.start
      puts Freed.size - freed >= 1990, resident - before < 16 * 1024 * 1024, Dir.children("/proc/self/task").size <= 2
    RUBY
    assert_equal "true\ntrue\ntrue\n", out
  end

  def test_events_of_a_client_that_was_collected_still_arrive
    Collector.run do |collector|
      ruby!(<<~RUBY, options: options(collector.url))
        #{COUNT}
        def track
          client = PactTelemetry::Client.new(**OPTIONS)
          client.track("collected", category: "c", action: "a")
        end
        10.times { track }
        GC.start
        abort "nothing was collected" if Freed.empty?
      RUBY
      assert_equal ["collected"] * 10, collector.names
    end
  end

  def test_a_frozen_client_and_a_copy
    frozen = client.freeze
    assert_equal :ok, frozen.close
    assert_equal :closed, track(frozen)
    assert_equal :ok, frozen.close
    original = client
    copy = original.dup
    assert_equal :ok, original.close
    assert_equal %i[closed ok], [track(copy), copy.close] # both share one client of the library
  end

  def test_close_while_other_threads_track
    Collector.run do |collector|
      10.times do
        client = client(collector.url)
        outcomes = Array.new(4) { Thread.new { track_until_closed(client) } }
        sleep 0.002
        assert_equal :ok, client.close(timeout: PATIENCE)
        GC.start
        assert_empty outcomes.flat_map(&:value) - %i[ok queue_full closed]
      end
    end
  end

  def test_close_while_other_threads_flush_explain_and_close
    Collector.run("--answers", "delay=20*") do |collector|
      client = client(collector.url)
      threads = %i[flush explain stats close enabled?].map { |name| Thread.new { Array.new(20) { client.send(name) } } }
      track(client)
      client.close(timeout: PATIENCE)
      GC.start
      threads.each(&:value)
      assert_equal :closed, track(client)
    end
  end

  def test_a_flush_with_a_timeout_does_not_stop_other_threads
    Collector.run("--answers", "hang*") do |collector|
      client = client(collector.url)
      track(client)
      flush = Thread.new { client.flush(timeout: 0.5) }
      turns = 0
      (turns += 1) && sleep(0.001) while flush.alive?
      assert_equal :error_timeout, flush.value
      assert_operator turns, :>, 50
      client.enabled = false
    end
  end

  def test_a_signal_handler_may_use_a_client
    out = ruby!(<<~RUBY, options: options)
      trap("USR1") do
        client = PactTelemetry::Client.new(**OPTIONS)
        tracked = client.track("e", category: "c", action: "a")
        answers = [client.unavailable_reason, tracked, client.enabled?, client.close]
        $stdout.syswrite(answers.take(3).inspect)
      end
      PactTelemetry::Client.new(**OPTIONS)
      Process.kill("USR1", Process.pid)
      sleep 0.2
    RUBY
    assert_equal "[nil, :ok, true]", out
  end

  # A time limit that a call of the client swallowed would never end the loop.
  def test_what_another_thread_raises_into_a_call_reaches_the_program
    out = ruby!(<<~RUBY, options: options)
      class LimitError < StandardError; end
      client = PactTelemetry::Client.new(queue_capacity: 1, **OPTIONS)
      turns = Queue.new
      raised = 0
      thread = Thread.new do
        while raised < 8
          begin
            turns << true
            loop { client.track("e", category: "c", action: "a") }
          rescue LimitError
            raised += 1
          end
        end
      end
      8.times do
        turns.pop
        sleep 0.001
        thread.raise(LimitError)
      end
      print thread.join(60) ? raised : "an exception did not arrive"
    RUBY
    assert_equal "8", out
  end

  def test_what_a_call_raises_itself_is_told_from_what_the_program_raises
    require "ffi"
    own = [TypeError.new, Encoding::UndefinedConversionError.new, FFI::NullPointerError.new, Errno::EACCES.new]
    own.each { |error| assert PactTelemetry::Errors.own?(error, "e", :c, 1, nil), error.class }
    hostile = [BasicObject.new, Class.new(String).new, [], { a: { b: 1 } }]
    hostile.each { |object| assert PactTelemetry::Errors.own?(RuntimeError.new, object) }
    [RuntimeError.new, Class.new(StandardError).new, Errno::ETIMEDOUT.new, Class.new(TypeError).new].each do |error|
      refute PactTelemetry::Errors.own?(error, "e", :c, 1, nil, 1.5, { a: 1 }), error.class
    end
  end

  private

  def track_until_closed(client)
    outcomes = []
    (outcomes << track(client)) && Thread.pass until outcomes.last == :closed
    outcomes.uniq
  end
end
