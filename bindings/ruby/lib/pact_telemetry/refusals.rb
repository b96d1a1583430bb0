# frozen_string_literal: true

module PactTelemetry
  # Counts the refused events of a client that is off. The library is asked for the reason once. As long as it says that
  # the client is off, and the reason cannot have changed, events are counted here.
  #
  # @api private
  class Refusals
    # The rules of variables, which can change without a call of this binding.
    ENVIRONMENT = /do_not_track\z/i
    private_constant :ENVIRONMENT

    # @return [Integer] how many events this process refused without calling the library
    attr_reader :count

    def initialize
      @closed = false
      restart
    end

    # Counts from zero again, as the library's own counters do in a forked child.
    #
    # @return [void]
    def restart
      @count = 0
      forget
    end

    # Forgets the reason, which may have changed.
    #
    # @return [void]
    def forget
      @asked = @known = false
    end

    # Stops counting here: a closed client answers `:closed` even if it is disabled too.
    #
    # @return [void]
    def close
      @closed = true
      forget
    end

    # Counts an event of a client that is off, if the reason is known to be that it is disabled.
    #
    # @return [Boolean]
    def repeated?
      @known && (@count += 1) && true
    end

    # Learns the reason after the library said that the client is disabled. If the reason is a variable and the client
    # is not configured, its answer changes to `:not_configured` when the variable is removed, so it is not counted
    # here.
    #
    # @param client [Client]
    # @return [void]
    def note(client)
      return if @closed || @asked

      @asked = true
      explained = client.explain
      @known = explained[:configured] || !ENVIRONMENT.match?(explained[:rule].to_s)
    end
  end
end
