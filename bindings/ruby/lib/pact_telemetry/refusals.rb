# frozen_string_literal: true

module PactTelemetry
  # Counts for a client that is off. The library is asked for the reason once; as long as it says that the client is off
  # and the reason cannot have become another, events are counted here.
  #
  # @api private
  class Refusals
    # The rules that the environment changes without this binding's noticing.
    ENVIRONMENT = /do_not_track\z/i
    private_constant :ENVIRONMENT

    # @return [Integer] how many events were refused in this process without the library's being told
    attr_reader :count

    def initialize
      @closed = false
      restart
    end

    # Starts anew, as the library's own counters do in a forked child.
    #
    # @return [void]
    def restart
      @count = 0
      forget
    end

    # The reason may be another from now on.
    #
    # @return [void]
    def forget
      @asked = @known = false
    end

    # A closed client is closed first, and disabled second.
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

    # The library said that the client is disabled. Where the environment says so, a client that is not configured
    # becomes that when the variable is taken away.
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
