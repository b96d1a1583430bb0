# frozen_string_literal: true

require "json"
require_relative "native"
require_relative "text"

module PactTelemetry
  # Has what was tracked on disk before the process ends, in the ways that the library's own exit handler hears nothing
  # of: by a signal, `exit!`, `exec` and `Process.daemon`. Nothing is hooked before the first client is made.
  #
  # @api private
  module Exits
    # {handle => refusals} of the clients that were not collected.
    CLIENTS = ObjectSpace::WeakMap.new
    private_constant :CLIENTS

    # What ends the process or replaces it, without exit handlers.
    module Abrupt
      # @return [void] never
      def exit!(...)
        Exits.persist
        super
      end

      # @return [void] never
      def exec(...)
        Exits.persist
        super
      end
    end

    # What only {Process} has.
    module Forks
      # The parent of the daemon ends at once.
      #
      # @return [0]
      def daemon(...)
        Exits.persist
        super.tap { Exits.restart }
      end

      # Every kind of `fork` calls it.
      #
      # @return [Integer]
      def _fork
        super.tap { |child| Exits.restart if child.zero? }
      end
    end
    private_constant :Abrupt, :Forks

    # @param handle [FFI::AutoPointer] of a client
    # @param refusals [Refusals]
    # @return [void]
    def self.watch(handle, refusals)
      CLIENTS[handle] = refusals
      return if @installed

      @installed = true
      # Runs before Ruby dies of a signal that ends it.
      at_exit { persist(flush: FFI::Platform.windows?) }
      Process.singleton_class.prepend(Abrupt, Forks)
      Kernel.singleton_class.prepend(Abrupt)
      Kernel.prepend(Abrupt.dup.tap { |abrupt| abrupt.send(:private, :exit!, :exec) })
    end

    # Has all that was accepted on disk, within the time that the end of the process may take.
    #
    # @param flush [Boolean] also sends it: on Windows the library's threads have ended when it hears of the exit
    # @return [void]
    def self.persist(flush: false)
      deadline = nil
      handles = CLIENTS.keys # which other threads may add to meanwhile
      handles.each do |handle|
        # Without a wait first: as a rule it is on disk, and nothing else need be asked.
        next if !flush && Native.pact_telemetry_persist(handle, 0) >= 0

        deadline ||= now + exit_timeout_ms(handle)
        wait = flush ? :pact_telemetry_flush : :pact_telemetry_persist
        Native.public_send(wait, handle, [deadline - now, 0].max)
      end
    rescue StandardError # telemetry is no reason not to end
      nil
    end

    # Starts the counts anew in a child.
    #
    # @return [void]
    def self.restart
      counts = CLIENTS.values
      counts.each(&:restart)
    rescue StandardError
      nil
    end

    def self.now
      Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
    end

    def self.exit_timeout_ms(handle)
      text = Text.read { |buffer, capacity| Native.pact_telemetry_explain(handle, buffer, capacity) }
      JSON.parse(text).fetch("exit_timeout_ms")
    end
    private_class_method :now, :exit_timeout_ms
  end
end
