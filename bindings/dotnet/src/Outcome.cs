namespace PactFoundation.Telemetry
{
    /// <summary>
    /// The result of a call. Every outcome may be ignored. The numbers are those of the library; numbers from 1000 up
    /// and from -1000 down belong to this package.
    /// </summary>
    public enum Outcome
    {
        /// <summary>Done.</summary>
        Ok = 0,

        /// <summary>Not queued: the person opted out, or the program turned telemetry off.</summary>
        Disabled = 1,

        /// <summary>Not queued: Google's endpoint needs credentials, and none were given or built in.</summary>
        NotConfigured = 2,

        /// <summary>Not queued: the queue is full, or there is no memory.</summary>
        QueueFull = 3,

        /// <summary>Not queued: the client was closed.</summary>
        Closed = 4,

        /// <summary>Events were lost that no earlier call told of.</summary>
        Lost = 5,

        /// <summary>Nothing was lost, but some events wait on disk for another attempt.</summary>
        Kept = 6,

        /// <summary>A text that must not be null is null.</summary>
        ErrorNull = -1,

        /// <summary>A text cannot be written as UTF-8.</summary>
        ErrorUtf8 = -2,

        /// <summary>A text that must not be empty is empty or blank.</summary>
        ErrorEmpty = -3,

        /// <summary>A text is longer than its limit.</summary>
        ErrorTooLong = -4,

        /// <summary>
        /// A text looks like a path, a URL, an e-mail address or a network address, or has a control character.
        /// </summary>
        ErrorForbidden = -5,

        /// <summary>A number is outside of its range.</summary>
        ErrorRange = -6,

        /// <summary>The time is over and some events still wait. The library goes on with them.</summary>
        ErrorTimeout = -7,

        /// <summary>The library failed, or there is no memory for the answer.</summary>
        ErrorInternal = -8,

        /// <summary>There is no library that can be used, or the options are wrong; see
        /// <see cref="TelemetryClient.UnavailableReason"/>.</summary>
        Unavailable = 1000,

        /// <summary>A positive status of a newer library, which this package does not know. It is no error.</summary>
        Unknown = 1001,

        /// <summary>A negative status of a newer library, which this package does not know. It is an error.</summary>
        ErrorUnknown = -1001,
    }

    /// <summary>Whether a client is on.</summary>
    public enum State
    {
        /// <summary>Events are queued.</summary>
        Enabled,

        /// <summary>The person opted out, or the program turned it off.</summary>
        Disabled,

        /// <summary>Google's endpoint needs credentials, and none were given or built in.</summary>
        NotConfigured,

        /// <summary>The client was closed.</summary>
        Closed,

        /// <summary>There is no library that can be used, or the options are wrong.</summary>
        Unavailable,

        /// <summary>A state of a newer library, which this package does not know, or the library did not tell it.
        /// </summary>
        Unknown,
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

        /// <summary>A newer library says what this package does not know.</summary>
        Unknown,
    }
}
