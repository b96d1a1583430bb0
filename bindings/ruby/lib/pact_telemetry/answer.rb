# frozen_string_literal: true

require "json"

module PactTelemetry
  # Makes the answers of `explain`, `stats` and `preview`. They have every documented key, and symbols for values of a
  # fixed list.
  #
  # @api private
  module Answer
    # The values of these keys become symbols, wherever they are.
    SYMBOLS = %i[state says id].freeze

    # @return [Hash{Symbol => Object}] the answer where there is no library
    def self.explanation
      { outcome: :ok, reason: nil, enabled: false, state: :unavailable, rule: nil, rules: [], protocol: nil,
        endpoint: nil, destination: nil, configured: false, debug: false, ci: false, exit_timeout_ms: 0,
        queue_capacity: 0, state_dir: nil, id: nil,
        notice: { shown_ms: nil, hold_until_ms: nil, text: "" }, diagnostics: [] }
    end

    # @return [Hash{Symbol => Object}] the answer where there is no library
    def self.stats
      { outcome: :ok, reason: nil, accepted: 0, delivered: 0, unconfirmed: 0, queued: 0, spooled: 0,
        dropped: counters(:opted_out, :debug, :http_status, :expired, :spool_full, :no_notice, :not_persisted,
                          :internal),
        not_accepted: counters(:disabled, :not_configured, :queue_full, :closed, :invalid),
        last_failure: nil, left_by_others: counters(:delivered, :unconfirmed, :dropped) }
    end

    # @return [Hash{Symbol => Object}] the answer where there is no library
    def self.preview
      { outcome: :ok, reason: nil, method: nil, url: nil, content_type: nil, body: nil }
    end

    # @param empty [Hash{Symbol => Object}] the answer where there is no library
    # @param text [String] the library's answer, as JSON
    # @return [Hash{Symbol => Object}]
    def self.typed(empty, text)
      told = JSON.parse(text, symbolize_names: true)
      symbols(told)
      told[:rules]&.each { |rule| symbols(rule) }
      # A counter that this version of the library does not have stays at zero.
      empty.merge(told) { |_, old, new| old.is_a?(Hash) && new.is_a?(Hash) ? old.merge(new) : new }
    end

    def self.counters(*names)
      names.to_h { |name| [name, 0] }
    end

    def self.symbols(told)
      SYMBOLS.each { |key| told[key] = told[key].tr(" ", "_").to_sym if told[key].is_a?(String) }
    end
    private_class_method :counters, :symbols
  end
end
