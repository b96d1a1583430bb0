# frozen_string_literal: true

require_relative "helper"

# However the process ends, what was tracked is on disk. The server hangs, so that nothing is delivered before that.
class ExitsTest < Minitest::Test
  include Support

  # Ways to end that run no exit handler of the C library: {what the process does last => its exit code or signal}.
  ENDS = {
    "exit!" => 1, "exit!(3)" => 3, "Process.exit!(true)" => 0, "Kernel.exit!" => 1,
    "Object.new.instance_eval { exit! }" => 1,
    "exec('true')" => 0, "Process.exec('true')" => 0, "Kernel.exec({ 'A' => 'b' }, 'true')" => 0,
    # These signals are set to their defaults, because a process in the background may ignore them.
    "Process.daemon" => 0, "Process.kill(:TERM, $$); sleep" => 15,
    "trap(:HUP, 'DEFAULT'); Process.kill(:HUP, $$); sleep" => 1,
    "trap(:INT, 'DEFAULT'); Process.kill(:INT, $$); sleep" => 2,
    "at_exit { exit!(4) }; exit(1)" => 4, "Thread.new { exit!(5) }.join" => 5,
    "trap(:USR1) { exit!(6) }; Process.kill(:USR1, $$); sleep" => 6
  }.freeze

  ENDS.each do |code, status|
    define_method("test_#{code}") do
      prepare_hanging do |hanging|
        ended = ruby("client = PactTelemetry::Client.new(**OPTIONS)\n3.times { client.pacts_verified(1) }\n#{code}",
                     **hanging)
        assert_equal status, ended.status.exitstatus || ended.status.termsig, ended.err
        assert_equal 3, waiting
      end
    end
  end

  def test_a_forked_worker_that_ends_by_exit!
    prepare_hanging do |hanging|
      ruby!(<<~RUBY, **hanging)
        client = PactTelemetry::Client.new(**OPTIONS)
        client.pacts_verified(1)
        5.times { fork { client.pacts_verified(1); exit! } }
        Process.waitall
      RUBY
      assert_equal 6, waiting
    end
  end

  def test_a_client_that_nothing_refers_to_any_more
    prepare_hanging do |hanging|
      ruby!("def track = PactTelemetry::Client.new(**OPTIONS).pacts_verified(1)\ntrack\nexit!(true)", **hanging)
      assert_equal 1, waiting
    end
  end

  # No hook runs in a process that SIGKILL ends, but the library itself has written the event by then.
  def test_a_process_that_is_killed_after_a_moment
    prepare_hanging do |hanging|
      ended = ruby(<<~'RUBY', **hanging)
        PactTelemetry::Client.new(**OPTIONS).pacts_verified(1)
        spool = "#{ENV.fetch('PACT_TELEMETRY_STATE_DIR')}/spool/**/*"
        sleep 0.01 while Dir.glob(spool).none? { |path| File.size?(path) && File.file?(path) }
        Process.kill(:KILL, $$)
        sleep
      RUBY
      assert_equal 9, ended.status.termsig
      assert_equal 1, waiting
    end
  end

  def test_persist_returns_kept_when_the_event_is_on_disk
    prepare_hanging do |hanging|
      out = ruby!(<<~RUBY, **hanging)
        client = PactTelemetry::Client.new(**OPTIONS)
        p client.persist, client.pacts_verified(1), client.persist(timeout: #{PATIENCE}), client.stats[:delivered]
        exit!(true)
      RUBY
      assert_equal ":ok\n:ok\n:kept\n0\n", out
      assert_equal 1, waiting
    end
  end

  def test_a_state_folder_that_cannot_be_written_does_not_hold_up_the_exit
    Collector.run("--answers", "hang*") do |collector|
      state = File.join(HOME, "no folder").tap { |path| File.write(path, "") }
      ended = ruby("client = PactTelemetry::Client.new(**OPTIONS)\nclient.pacts_verified(1)\nexit!(7)",
                   options: options(collector.url, exit_timeout: 0.2),
                   environment: { "PACT_TELEMETRY_STATE_DIR" => state })
      assert_equal 7, ended.status.exitstatus
      assert_operator ended.seconds, :<, 10
    end
  end

  def test_the_hooks_do_not_change_what_is_hooked
    out = ruby!(<<~'RUBY', options: options)
      client = PactTelemetry::Client.new(**OPTIONS)
      client.pacts_verified(1)
      begin
        exec("/nowhere")
      rescue Errno::ENOENT => e
        puts e.class
      end
      begin
        1.exit!
      rescue NoMethodError => e
        puts e.message[/private method/]
      end
      Process.wait(fork { exit!(3) })
      puts Process.last_status.exitstatus
      begin
        exit!(1, 2)
      rescue ArgumentError => e
        puts e.message
      end
    RUBY
    assert_equal "Errno::ENOENT\nprivate method\n3\nwrong number of arguments (given 2, expected 0..1)\n", out
  end

  def test_nothing_is_hooked_before_the_first_client
    assert_equal "1\n", ruby!("p Kernel.ancestors.size")
    assert_equal "1\n", ruby!("PactTelemetry::Client.new(library: 1)\np Kernel.ancestors.size")
    assert_equal "2\n", ruby!("PactTelemetry::Client.new(**OPTIONS)\np Kernel.ancestors.size", options: options)
  end

  # The library's own counters start from zero in a child too.
  def test_a_child_counts_its_refused_events_from_zero
    out = ruby!(<<~RUBY, options: options)
      client = PactTelemetry::Client.new(**OPTIONS)
      client.pacts_verified(1)
      client.enabled = false
      3.times { client.pacts_verified(1) }
      $stdout.sync = true
      Process.wait(fork do
        client.enabled = true
        client.pacts_verified(1)
        client.enabled = false
        2.times { client.pacts_verified(1) }
        p client.stats[:not_accepted][:disabled]
      end)
      p client.stats[:not_accepted][:disabled]
    RUBY
    assert_equal "2\n3\n", out
  end

  private

  # @yieldparam hanging [Hash] arguments for {#ruby}
  def prepare_hanging
    Collector.run("--answers", "hang*") do |collector|
      yield({ options: options(collector.url, exit_timeout: 5) })
    end
  end
end
