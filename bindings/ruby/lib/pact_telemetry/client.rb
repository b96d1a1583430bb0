# frozen_string_literal: true

require "json"
require_relative "answer"
require_relative "errors"
require_relative "exits"
require_relative "loader"
require_relative "names"
require_relative "options"
require_relative "refusals"
require_relative "text"

module PactTelemetry
  # Reports events. A client may be used by any thread, in a signal handler, and after `fork` in the parent and the
  # child. In a Ractor other than the main one it is unavailable.
  #
  # No method raises, except `ArgumentError` for a missing keyword. The answer says what is wrong with the library, an
  # option or an argument. What another thread or a signal handler raises into a call reaches the program.
  #
  # An *outcome* is one of these symbols. `:ok`: done. No error, but not queued or not delivered: `:disabled`,
  # `:not_configured`, `:queue_full`, `:closed`, `:lost`, `:kept`. Errors: `:error_null`, `:error_utf8`, `:error_empty`,
  # `:error_too_long`, `:error_forbidden`, `:error_range`, `:error_timeout`, `:error_internal`. `:unavailable`: there is
  # no library that can be used, or the options are wrong, see {#unavailable_reason}. A newer library may return others;
  # one whose name is not known is `:not_delivered` or `:error`.
  #
  # @example
  #   PactTelemetry::Client.open(library: { id: "pact-ruby", name: "Pact Ruby", version: "1.0.0" }) do |telemetry|
  #     telemetry.pacts_verified(3)
  #   end
  class Client
    # The longest time, in seconds, that {#flush}, {#persist} and {#close} wait by default.
    TIMEOUT = 1.0

    # The longest time-out, in milliseconds.
    MOST_MILLISECONDS = 0xFFFF_FFFF

    # The longest text that says what is wrong with the options, in bytes.
    ERROR_CAPACITY = 1024

    # {status of the library => outcome}
    OUTCOMES = Native::STATUSES.to_h do |name, status|
      [status, name.delete_prefix("PACT_TELEMETRY_").downcase.to_sym]
    end.freeze

    private_constant :MOST_MILLISECONDS, :ERROR_CAPACITY, :OUTCOMES

    # Makes a client. With a block, yields it and closes it afterwards.
    #
    # @param library (see #initialize)
    # @param options (see #initialize)
    # @yieldparam client [Client]
    # @return [Client, Object] the client, or what the block returns
    def self.open(library:, **options)
      client = new(library: library, **options)
      return client unless block_given?

      begin
        yield client
      ensure
        client.close
      end
    end

    # @return [String, nil] why this client does nothing: no usable library, or wrong options; nil if it works
    attr_reader :unavailable_reason

    # Makes a client. It starts no thread, opens no socket and creates no file before the first accepted event.
    #
    # @param library [Hash{Symbol => String}] the library that reports: `id` (`pact-ruby`), `name` (`Pact Ruby`),
    #   `version`
    # @param options [Hash{Symbol => Object}] nil stands for the default; an option that the library does not know is
    #   ignored, and {#explain} names it
    # @option options [Boolean] :enabled (true) false turns the client off; true does not overrule the person
    # @option options [String] :test_framework RSpec, Cucumber or Minitest where one is loaded; "" for none
    # @option options [String] :platform_version such as "Ruby 3.1.2"; "" for none
    # @option options [Symbol, String] :data_source (:client) `:cli`, `:client` or `:broker`
    # @option options [String] :endpoint URL of another destination: `https`, or `http` on this machine
    # @option options [Symbol, String] :protocol ("ga4") `ga4`, `universal-analytics` or `otlp`
    # @option options [String] :measurement_id credentials of a GA4 data stream, together with `api_secret`
    # @option options [String] :api_secret
    # @option options [String] :tracking_id credentials of a Universal Analytics property
    # @option options [Integer] :queue_capacity (4096) how many events may wait in memory, 1 to 4096
    # @option options [String] :state_dir absolute path of the folder where events wait for another attempt
    # @option options [Numeric] :exit_timeout (0.1) the longest time that the exit of the process waits, in seconds, 0
    #   to 10; the default in CI is 0.5
    # @option options [Symbol, String] :notice (:stderr) who shows the notice to the person before anything leaves the
    #   machine: the library (`:stderr`), or your program (`:host`), which shows the text in `explain[:notice]` and
    #   makes its clients with `:shown` from then on
    # @option options [Symbol, String] :id (:hostname) what identifies the machine: `:hostname`, the digest of its name,
    #   or `:random`, a random identifier
    def initialize(library:, **options)
      @refusals = Refusals.new
      @unavailable_reason = Loader.problem
      connect({ library: library, **options }) unless @unavailable_reason
    rescue StandardError, SystemStackError => e # such as options that JSON cannot hold
      Errors.pass_on(e, library, *options.values)
      @unavailable_reason = "the options cannot be used: #{e.message}"
    end

    # Returns the client itself: a copy would share the native client.
    #
    # @return [Client]
    def dup = self

    # (see #dup)
    def clone(**) = self

    # Queues an event. Never waits; takes about a microsecond.
    #
    # @param event [String, Symbol]
    # @param category [String, Symbol]
    # @param action [String, Symbol]
    # @param value [Integer] a count that belongs to the event, zero or more
    # @param plugin_name [String, Symbol, nil]
    # @param plugin_version [String, Symbol, nil]
    # @return [Symbol] the outcome; `:ok` if it was queued
    def track(event, category:, action:, value: 1, plugin_name: nil, plugin_version: nil)
      handle = @handle
      return :unavailable unless handle
      # To ask the library takes a third of the time that `track` takes, so a client that is off costs less. If the
      # program itself turned it off, the library need not be asked.
      return :disabled if (@switched_off || Native.pact_telemetry_is_enabled(handle) != 1) && @refusals.repeated?

      texts = Text::PREPARED
      outcome(Native.pact_telemetry_track(handle, texts[event], texts[category], texts[action],
                                          value.is_a?(Integer) ? value : -1, texts[plugin_name], texts[plugin_version]))
    rescue StandardError, SystemStackError => e # telemetry is no reason to stop a test
      # An event that is queued already is not tracked again.
      Errors.pass_on(e, event, category, action, value, plugin_name, plugin_version)
      track_anything(event, category, action, value, plugin_name, plugin_version)
    end

    # Reports a run of consumer tests that ended.
    #
    # @param count [Integer] number of interactions
    # @return [Symbol] the outcome
    def consumer_tests_ran(count)
      track(EVENT_PACT_CONSUMER_TESTS_RAN, category: CATEGORY_CONSUMER_TEST, action: ACTION_COMPLETED, value: count)
    end

    # Reports a provider verification that ended.
    #
    # @param count [Integer] number of results
    # @return [Symbol] the outcome
    def pacts_verified(count)
      track(EVENT_PACTS_VERIFIED, category: CATEGORY_PROVIDER_TEST, action: ACTION_COMPLETED, value: count)
    end

    # Reports a plugin that was loaded.
    #
    # @param name [String, Symbol]
    # @param version [String, nil]
    # @return [Symbol] the outcome
    def plugin_loaded(name, version = nil)
      track(EVENT_PLUGIN_LOADED, category: CATEGORY_PLUGIN, action: ACTION_LOADED, value: 1, plugin_name: name,
                                 plugin_version: version)
    end

    # Reports a mock server that was started.
    #
    # @return [Symbol] the outcome
    def mock_server_started
      track(EVENT_PACT_MOCK_SERVER_STARTED, category: CATEGORY_CONSUMER_TEST, action: ACTION_MOCK_SERVER_STARTED,
                                            value: 1)
    end

    # Says whether an event would be queued now. Checks every rule again.
    #
    # @return [Boolean]
    def enabled?
      handle = @handle
      !handle.nil? && Native.pact_telemetry_is_enabled(handle) == 1
    end

    # Turns this client on or off for the program that uses it. Turning it off discards what waits and cuts off an
    # upload in flight. Turning it on cannot overrule what the person decided.
    #
    # @param on [Boolean]
    # @return [void]
    def enabled=(on)
      handle = @handle
      Native.pact_telemetry_set_enabled(handle, on ? 1 : 0) if handle
      @switched_off = on ? false : true # `!on` would be a method of the object
      @refusals.forget
    end

    # Has everything that was accepted before put on disk, and waits for that, but for no server. Use it in a process
    # that is about to be killed. `exit!`, `exec`, `Process.daemon` and the exit of the process do it by themselves.
    #
    # @param timeout [Numeric] the longest wait in seconds; 0 does not wait. Any value that is not a number stands for
    #   the default.
    # @return [Symbol] the outcome; `:ok` if nothing waits any more, `:kept` if events wait on disk, `:lost` if some
    #   were lost, `:error_timeout` if the time is over or no disk takes them. An unavailable client returns `:ok`
    def persist(timeout: TIMEOUT)
      wait(timeout) { |handle, milliseconds| Native.pact_telemetry_persist(handle, milliseconds) }
    end

    # Has everything that was queued before sent, and waits until each event is delivered, kept on disk or lost. Other
    # threads run meanwhile. An interrupt of this thread (Ctrl-C, `Timeout`, `Thread#kill`) takes effect when the wait
    # is over.
    #
    # @param timeout (see #persist)
    # @return [Symbol] the outcome. An unavailable client returns `:ok`
    def flush(timeout: TIMEOUT)
      wait(timeout) { |handle, milliseconds| Native.pact_telemetry_flush(handle, milliseconds) }
    end

    # Takes no more events, and flushes. The library goes on with what is not settled in time. Called again, it waits
    # for what is left.
    #
    # @param timeout (see #persist)
    # @return [Symbol] the outcome, as for {#flush}
    def close(timeout: TIMEOUT)
      @refusals.close
      wait(timeout) { |handle, milliseconds| Native.pact_telemetry_close(handle, milliseconds) }
    end

    # Says whether the client is on, which rule decided, what each rule read, and where events would be sent. The keys
    # are the same in every state, also without a library and after {#close}.
    #
    # @return [Hash{Symbol => Object}] `outcome`, `reason`, `enabled`, `state` (`:enabled`, `:disabled`,
    #   `:not_configured`, `:closed` or `:unavailable`), `rule`, `rules` and the settings
    def explain
      answer(Answer.explanation) { |handle, buffer, capacity| Native.pact_telemetry_explain(handle, buffer, capacity) }
    end

    # Says what became of the events. `accepted` is `delivered` + `unconfirmed` + `queued` + `spooled` + the sum of
    # `dropped`. Events that were refused are counted apart, in `not_accepted`. The keys are the same in every state.
    #
    # @return [Hash{Symbol => Object}] `outcome`, `reason` and the counters
    def stats
      told = answer(Answer.stats) { |handle, buffer, capacity| Native.pact_telemetry_stats(handle, buffer, capacity) }
      told[:not_accepted][:disabled] += @refusals.count
      told
    end

    # Shows the request that would carry this event. Sends nothing.
    #
    # @param (see #track)
    # @return [Hash{Symbol => Object}] `outcome`, `reason`, and `method`, `url`, `content_type` and `body`, which are
    #   nil for an event that {#track} would not take
    def preview(event, category:, action:, value: 1, plugin_name: nil, plugin_version: nil)
      given = [event, category, action, value, plugin_name, plugin_version]
      answer(Answer.preview, *given) do |handle, buffer, capacity|
        texts = [event, category, action].map { |text| Text.prepare(text) }
        plugin = [plugin_name, plugin_version].map { |text| Text.prepare(text) }
        Native.pact_telemetry_preview(handle, *texts, number(value), *plugin, buffer, capacity)
      end
    end

    # @return [String] the class and the state; not the options, which may contain credentials
    def inspect
      "#<#{self.class} #{explain[:state]}>"
    end

    private

    def connect(options)
      config = Options.config(options)
      error = FFI::MemoryPointer.new(:char, ERROR_CAPACITY)
      pointer = Native.pact_telemetry_new(JSON.generate(config), error, ERROR_CAPACITY)
      if pointer.null?
        @unavailable_reason = error.read_string.force_encoding(Encoding::UTF_8)
      else
        # The garbage collector frees it when neither this client nor a running call refers to it any more. So no thread
        # can free what another one uses, and `track` needs no lock.
        @handle = FFI::AutoPointer.new(pointer, Native.method(:pact_telemetry_free))
        @switched_off = options[:enabled] == false
        Exits.watch(@handle, @refusals)
      end
    end

    # Only a Ractor calls this, to which a client was passed: it copies every object that it is given. The copy must not
    # have the native client, because both copies would free it.
    def initialize_copy(_client)
      @handle = nil
      @unavailable_reason = Loader::IN_A_RACTOR
    end

    # Tracks what {#track} could not pass to the library. A value that is no number or text becomes one that the library
    # refuses and counts.
    def track_anything(event, category, action, value, *plugin)
      texts = [event, category, action, *plugin].map { |text| Text.prepare(text) }
      outcome(Native.pact_telemetry_track(@handle, *texts.take(3), number(value), *texts.drop(3)))
    rescue StandardError => e
      Errors.pass_on(e, event, category, action, value, *plugin)
      :error_internal
    end

    # The value, or a number that the library refuses if it is not an integer of 64 bits.
    def number(value)
      value.is_a?(Integer) && value.bit_length < 64 ? value : -1
    end

    def outcome(status)
      return :ok if status.zero?

      outcome = OUTCOMES[status] || unknown(status)
      @refusals.note(self) if outcome == :disabled
      outcome
    end

    def unknown(status)
      name = Native.pact_telemetry_status_name(status)
      return name.delete_prefix("PACT_TELEMETRY_").downcase.to_sym unless name == "PACT_TELEMETRY_UNKNOWN"

      status.positive? ? :not_delivered : :error
    end

    def wait(timeout)
      handle = @handle
      handle ? outcome(yield(handle, milliseconds(timeout))) : :ok
    end

    def milliseconds(timeout)
      (Float(timeout) * 1000).clamp(0, MOST_MILLISECONDS).ceil
    rescue StandardError => e # no number
      Errors.pass_on(e, timeout)
      (TIMEOUT * 1000).to_i
    end

    # The library's answer, with every key that an answer without a library has.
    def answer(empty, *given)
      handle = @handle
      return empty.merge(outcome: :unavailable, reason: @unavailable_reason) unless handle

      text = Text.read { |buffer, capacity| yield(handle, buffer, capacity) }
      return Answer.typed(empty, text) if text.is_a?(String)

      empty.merge(outcome: outcome(text), reason: "the library refuses: #{outcome(text)}")
    rescue StandardError => e
      Errors.pass_on(e, *given)
      empty.merge(outcome: :error_internal, reason: e.message)
    end
  end
end
