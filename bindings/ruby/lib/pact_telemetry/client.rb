# frozen_string_literal: true

require "json"
require_relative "host"
require_relative "loader"
require_relative "names"
require_relative "text"

module PactTelemetry
  # Reports events. May be used by any thread, in a signal handler, and after `fork` in parent and child alike.
  #
  # Nothing here raises: whatever is wrong with the library, the options or an argument, the answer tells it.
  #
  # An *outcome* is `:ok`; or `:disabled`, `:not_configured`, `:queue_full`, `:closed`, `:lost`, `:kept` (fine, but not
  # queued or not delivered); or `:error_null`, `:error_utf8`, `:error_empty`, `:error_too_long`, `:error_forbidden`,
  # `:error_range`, `:error_timeout`, `:error_internal`; or `:unavailable`, see {#unavailable_reason}. A newer library
  # may have more; one without a name is `:not_delivered` or `:error`.
  #
  # @example
  #   PactTelemetry::Client.open(library: { id: "pact-ruby", name: "Pact Ruby", version: "1.0.0" }) do |telemetry|
  #     telemetry.pacts_verified(3)
  #   end
  class Client
    # The longest that {#flush} and {#close} wait unless told otherwise.
    TIMEOUT_MS = 1000

    # The longest text that tells what is wrong with the options.
    ERROR_CAPACITY = 1024

    OUTCOMES = Native::STATUSES.to_h { |name, status| [status, name.delete_prefix("PACT_TELEMETRY_").downcase.to_sym] }

    private_constant :ERROR_CAPACITY, :OUTCOMES

    # Makes a client; with a block, yields it and closes it afterwards.
    #
    # @param options (see #initialize)
    # @yieldparam client [Client]
    # @return [Client, Object] the client, or what the block returns
    def self.open(**options)
      client = new(**options)
      return client unless block_given?

      begin
        yield client
      ensure
        client.close
      end
    end

    # @return [String, nil] why this client does nothing: no usable library, or wrong options; nil if all is well
    attr_reader :unavailable_reason

    # Starts nothing before the first event. Options are the keys of the library's config, see docs/config.md.
    #
    # @param options [Hash{Symbol => Object}]
    # @option options [Hash{Symbol => String}] :library who reports: `id`, `name` and `version`; required
    # @option options [Boolean] :enabled (true) false turns it off for good
    # @option options [String] :test_framework RSpec, Cucumber or Minitest where one is loaded
    # @option options [String] :platform_version such as "Ruby 3.1.2"
    # @option options [String] :data_source ("client") `cli`, `client` or `broker`
    # @option options [String] :endpoint where to send
    # @option options [String] :protocol ("ga4") `ga4` or `universal-analytics`
    # @option options [String] :measurement_id
    # @option options [String] :api_secret
    # @option options [String] :tracking_id
    # @option options [Integer] :queue_capacity (4096)
    # @option options [Integer] :exit_timeout_ms
    # @option options [String] :state_dir
    # @option options [String] :notice ("stderr") who tells the person, once, before anything leaves the machine:
    #   `stderr`, the library; `host`, you, with the text in `explain[:notice]`, who then make clients with `shown`
    # @option options [String] :id ("hostname") what stands for the machine: the digest of its name, or `random`
    def initialize(**options)
      @idle = :unavailable
      @unavailable_reason = Loader.problem
      connect(options) unless @unavailable_reason
    rescue StandardError => e # such as options that JSON cannot hold
      @unavailable_reason = "options: #{e.message}"
    end

    # Queues an event. Never waits.
    #
    # @param event [String, Symbol]
    # @param category [String, Symbol]
    # @param action [String, Symbol]
    # @param value [Integer] a count that belongs to the event, zero or more
    # @param plugin_name [String, Symbol, nil]
    # @param plugin_version [String, Symbol, nil]
    # @return [Symbol] the outcome; `:ok` if it was queued
    def track(event, category: nil, action: nil, value: 1, plugin_name: nil, plugin_version: nil)
      # Whoever runs here holds the handle, so that it cannot be collected and freed before this call is over.
      handle = @handle
      return @idle unless handle

      outcome(Native.pact_telemetry_track(handle, Text.encode(event), Text.encode(category), Text.encode(action),
                                          number(value), Text.encode(plugin_name), Text.encode(plugin_version)))
    rescue StandardError # telemetry is no reason to stop a test
      :error_internal
    end

    # A run of consumer tests ended.
    #
    # @param count [Integer] number of interactions
    # @return [Symbol] the outcome
    def consumer_tests_ran(count)
      track(EVENT_PACT_CONSUMER_TESTS_RAN, category: CATEGORY_CONSUMER_TEST, action: ACTION_COMPLETED, value: count)
    end

    # A provider verification ended.
    #
    # @param count [Integer] number of results
    # @return [Symbol] the outcome
    def pacts_verified(count)
      track(EVENT_PACTS_VERIFIED, category: CATEGORY_PROVIDER_TEST, action: ACTION_COMPLETED, value: count)
    end

    # A plugin was loaded.
    #
    # @param name [String, Symbol]
    # @param version [String, nil]
    # @return [Symbol] the outcome
    def plugin_loaded(name, version = nil)
      track(EVENT_PLUGIN_LOADED, category: CATEGORY_PLUGIN, action: ACTION_LOADED, value: 1, plugin_name: name,
                                 plugin_version: version)
    end

    # A mock server was started.
    #
    # @return [Symbol] the outcome
    def mock_server_started
      track(EVENT_PACT_MOCK_SERVER_STARTED, category: CATEGORY_CONSUMER_TEST, action: ACTION_MOCK_SERVER_STARTED,
                                            value: 1)
    end

    # Would an event be queued now? Asks every rule anew.
    #
    # @return [Boolean]
    def enabled?
      handle = @handle
      !handle.nil? && Native.pact_telemetry_is_enabled(handle) == 1
    end

    # Turns this client on or off for the host. Off throws away what waits and cuts an upload in flight. On cannot
    # overrule what the person decided.
    #
    # @param on [Boolean]
    # @return [void]
    def enabled=(on)
      handle = @handle
      Native.pact_telemetry_set_enabled(handle, on ? 1 : 0) if handle
    end

    # Has everything sent that was queued before, and waits until it is settled. Other threads run meanwhile. An
    # interrupt of this thread (Ctrl-C, `Timeout`, `Thread#kill`) takes effect when the wait is over.
    #
    # @param timeout_ms [Integer] the longest wait in milliseconds; 0 does not wait
    # @return [Symbol] the outcome; `:ok` also for a client that is unavailable
    def flush(timeout_ms: TIMEOUT_MS)
      wait(timeout_ms) { |handle, milliseconds| Native.pact_telemetry_flush(handle, milliseconds) }
    end

    # Takes no more events, and flushes. What is not settled in time stays with the library, which goes on with it.
    #
    # @param timeout_ms (see #flush)
    # @return [Symbol] as {#flush}; `:closed` if it was closed before
    def close(timeout_ms: TIMEOUT_MS)
      wait(timeout_ms) do |handle, milliseconds|
        status = Native.pact_telemetry_close(handle, milliseconds)
        retire
        status
      end
    end

    # Tells whether the client is on, which rule decided and what each read, and where events would go.
    #
    # @return [Hash{Symbol => Object}]
    def explain
      ask { |handle, buffer, capacity| Native.pact_telemetry_explain(handle, buffer, capacity) }
    end

    # Tells what became of the events: `accepted`, `delivered`, `queued`, `dropped` and `not_accepted` by reason.
    #
    # @return [Hash{Symbol => Object}]
    def stats
      ask { |handle, buffer, capacity| Native.pact_telemetry_stats(handle, buffer, capacity) }
    end

    # Shows the request that would carry this event: `method`, `url`, `content_type` and `body`. Sends nothing.
    #
    # @param (see #track)
    # @return [Hash{Symbol => Object}] `{ outcome: … }` for an event that {#track} would not take
    def preview(event, category: nil, action: nil, value: 1, plugin_name: nil, plugin_version: nil)
      texts = [event, category, action].map { |text| Text.encode(text) }
      plugin = [plugin_name, plugin_version].map { |text| Text.encode(text) }
      ask do |handle, buffer, capacity|
        Native.pact_telemetry_preview(handle, *texts, number(value), *plugin, buffer, capacity)
      end
    end

    private

    def connect(options)
      config = { platform_version: Host.platform_version, test_framework: Host.test_framework }
      config.update(options.transform_keys(&:to_sym))
      error = FFI::MemoryPointer.new(:char, ERROR_CAPACITY)
      pointer = Native.pact_telemetry_new(JSON.generate(config), error, ERROR_CAPACITY)
      if pointer.null?
        @unavailable_reason = error.read_string.force_encoding(Encoding::UTF_8)
      else
        # Freed by the garbage collector, when neither this client nor a call under way has it any more. That is what
        # makes it safe to close while other threads track, with no lock for an event to pay for.
        @handle = FFI::AutoPointer.new(pointer, Native.method(:pact_telemetry_free))
      end
    end

    # In this order: whoever finds no handle has to find why. A frozen client keeps its handle, which answers the same.
    def retire
      return if frozen?

      @idle = :closed
      @handle = nil
    end

    # What is not a number that the library takes is handed on as one that it refuses.
    def number(value)
      value.is_a?(Integer) && value.bit_length < 64 ? value : -1
    end

    def outcome(status)
      OUTCOMES[status] || unknown(status)
    end

    def unknown(status)
      name = Native.pact_telemetry_status_name(status)
      return name.delete_prefix("PACT_TELEMETRY_").downcase.to_sym unless name == "PACT_TELEMETRY_UNKNOWN"

      status.positive? ? :not_delivered : :error
    end

    def wait(timeout_ms)
      handle = @handle
      return @idle == :unavailable ? :ok : @idle unless handle

      outcome(yield(handle, milliseconds(timeout_ms)))
    end

    def milliseconds(timeout)
      timeout.clamp(0, 0xFFFF_FFFF).to_i
    rescue StandardError # no number
      TIMEOUT_MS
    end

    def ask
      handle = @handle
      return { enabled: false, state: @idle.to_s, reason: @unavailable_reason || "closed" } unless handle

      text = Text.read { |buffer, capacity| yield(handle, buffer, capacity) }
      text.is_a?(String) ? JSON.parse(text, symbolize_names: true) : { outcome: outcome(text) }
    end
  end
end
