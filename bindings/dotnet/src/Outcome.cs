namespace PactFoundation.Telemetry
{
    /// <summary>What became of a call. The numbers are those of the library; none is a reason to stop a test.</summary>
    public enum Outcome
    {
        /// <summary>Done.</summary>
        Ok = 0,

        /// <summary>Not queued: the person opted out, or the program turned telemetry off.</summary>
        Disabled = 1,

        /// <summary>Not queued: no credentials were given or built in.</summary>
        NotConfigured = 2,

        /// <summary>Not queued: as many events as allowed wait already.</summary>
        QueueFull = 3,

        /// <summary>Not queued: the client was closed.</summary>
        Closed = 4,

        /// <summary>Events were lost that no earlier call told of.</summary>
        Lost = 5,

        /// <summary>Nothing was lost, but some of it waits on disk for another attempt.</summary>
        Kept = 6,

        /// <summary>A text that must be there is null.</summary>
        ErrorNull = -1,

        /// <summary>A text cannot be written as UTF-8.</summary>
        ErrorUtf8 = -2,

        /// <summary>A text that must not be empty is empty or blank.</summary>
        ErrorEmpty = -3,

        /// <summary>A text is longer than its limit.</summary>
        ErrorTooLong = -4,

        /// <summary>
        /// A text looks like a path, a URL, an e-mail or a network address, or has a control character.
        /// </summary>
        ErrorForbidden = -5,

        /// <summary>A number is outside of its range.</summary>
        ErrorRange = -6,

        /// <summary>The time is over, and something still waits.</summary>
        ErrorTimeout = -7,

        /// <summary>A fault of the library's.</summary>
        ErrorInternal = -8,

        /// <summary>There is no library that can be used, or the options are wrong; see
        /// <see cref="TelemetryClient.UnavailableReason"/>.</summary>
        Unavailable = 1000,
    }

    /// <summary>Whether a client is on.</summary>
    public enum State
    {
        /// <summary>Events are queued.</summary>
        Enabled,

        /// <summary>The person opted out, or the program turned it off.</summary>
        Disabled,

        /// <summary>There are no credentials.</summary>
        NotConfigured,

        /// <summary>The client was closed.</summary>
        Closed,

        /// <summary>There is no library that can be used, or the options are wrong.</summary>
        Unavailable,
    }

    /// <summary>What a rule of consent says.</summary>
    public enum Says
    {
        /// <summary>The rule allows it.</summary>
        On,

        /// <summary>The rule forbids it.</summary>
        Off,

        /// <summary>The rule was not used.</summary>
        NoOpinion,
    }
}
