# frozen_string_literal: true

require "json"
require_relative "native"
require_relative "text"

module PactTelemetry
  # Puts what was tracked on disk when the process ends in a way that does not run the library's own exit handler: by a
  # signal, `exit!`, `exec` or `Process.daemon`. Nothing is hooked before the first client is made.
  #
  # @api private
  module Exits
    # {handle => refusals} of the clients that the garbage collector has not freed.
    CLIENTS = ObjectSpace::WeakMap.new
    private_constant :CLIENTS

    # The methods that end or replace the process without running exit handlers.
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

    # The methods that only {Process} has.
    module Forks
      # Puts events on disk first, because the parent of the daemon ends without running exit handlers.
      #
      # @return [0]
      def daemon(...)
        Exits.persist
        super.tap { Exits.restart }
      end

      # Starts the counts again in the child. Every kind of `fork` calls this method.
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
      # This also runs when a signal ends the process.
      at_exit { persist(flush: FFI::Platform.windows?) }
      Process.singleton_class.prepend(Abrupt, Forks)
      Kernel.singleton_class.prepend(Abrupt)
      Kernel.prepend(Abrupt.dup.tap { |abrupt| abrupt.send(:private, :exit!, :exec) })
    end

    # Puts all that was accepted on disk, within the time that the exit of the process may take.
    #
    # @param flush [Boolean] also send it; on Windows the library's threads have ended before its exit handler runs
    # @return [void]
    def self.persist(flush: false)
      deadline = nil
      handles = CLIENTS.keys # a copy, because other threads may add clients meanwhile
      handles.each do |handle|
        # The first call does not wait. Usually all is on disk already, and nothing else need be asked.
        next if !flush && Native.pact_telemetry_persist(handle, 0) >= 0

        deadline ||= now + exit_timeout_ms(handle)
        wait = flush ? :pact_telemetry_flush : :pact_telemetry_persist
        Native.public_send(wait, handle, [deadline - now, 0].max)
      end
    rescue StandardError # telemetry must not keep the process from ending
      nil
    end

    # Starts the counts again in a child.
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
