using System;
using System.Threading.Tasks;

namespace PactFoundation.Telemetry
{
    /// <summary>
    /// Reports anonymous usage events. Any thread may use it at any time. No member throws: the outcome says what is
    /// wrong with the library, an option or an argument. A client starts no thread, opens no connection and writes no
    /// file before the first accepted event. A client that is never closed loses nothing: the library sends its
    /// events.
    /// </summary>
    public sealed unsafe class TelemetryClient : IDisposable
#if NETSTANDARD2_1_OR_GREATER || NETCOREAPP3_0_OR_GREATER
        , IAsyncDisposable
#endif
    {
        private const int ErrorCapacity = 1024;
        private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(1);

        private readonly ClientHandle handle;
        private readonly object switching = new object();
        private volatile bool wanted;
        private volatile bool turnedOff; // by the managed environment

        /// <summary>
        /// Makes a client. One that cannot work does nothing, and <see cref="UnavailableReason"/> says why.
        /// </summary>
        /// <param name="options">The library that reports, and the settings.</param>
        public TelemetryClient(TelemetryOptions options)
        {
            try
            {
                UnavailableReason = options == null ? "the options are null" : Loader.Problem;
                if (UnavailableReason == null)
                {
                    wanted = options.Enabled ?? true;
                    handle = Make(options);
                    FollowEnvironment();
                }
            }
            catch (Exception error) // for example because of a library of another kind
            {
                UnavailableReason = "the options cannot be used: " + error.Message;
            }
        }

        /// <summary>The native client, for tests and the benchmark; null if there is none.</summary>
        internal ClientHandle Handle => handle;

        /// <summary>Why this client does nothing: no usable library, or wrong options. Null if it works.</summary>
        public string UnavailableReason { get; private set; }

        /// <summary>
        /// Whether an event would be queued now. Each call looks at the environment again. If it is set to false,
        /// queued events are dropped and an upload in flight is cut. If it is set to true, the person's choice still
        /// holds.
        /// </summary>
        public bool Enabled
        {
            get
            {
                if (handle == null)
                {
                    return false;
                }
                FollowEnvironment();
                return Kept(handle.Native.pact_telemetry_is_enabled(handle.Address)) == 1;
            }

            set
            {
                if (handle == null)
                {
                    return;
                }
                lock (switching)
                {
                    wanted = value;
                    turnedOff = ManagedEnvironment.Off() != null;
                    Kept(handle.Native.pact_telemetry_set_enabled(handle.Address, wanted && !turnedOff ? 1 : 0));
                }
            }
        }

        /// <summary>Queues an event. Never waits.</summary>
        /// <param name="eventName">What happened, such as <see cref="EventNames.PactsVerified"/>.</param>
        /// <param name="category">Such as <see cref="Categories.ProviderTest"/>.</param>
        /// <param name="action">Such as <see cref="Actions.Completed"/>.</param>
        /// <param name="value">A count that belongs to the event, zero or more.</param>
        /// <param name="pluginName">Name of the plugin, if there is one.</param>
        /// <param name="pluginVersion">Version of the plugin, if there is one.</param>
        /// <returns><see cref="Outcome.Ok"/> if it was queued.</returns>
        public Outcome Track(string eventName, string category, string action, long value = 1, string pluginName = null,
            string pluginVersion = null)
        {
            if (handle == null)
            {
                return Outcome.Unavailable;
            }
            try
            {
                if (ManagedEnvironment.IsCopy)
                {
                    FollowEnvironment();
                }
                fixed (byte* e = Text.Encode(eventName), c = Text.Encode(category), a = Text.Encode(action),
                    n = Text.Encode(pluginName), v = Text.Encode(pluginVersion))
                {
                    return Named(Kept(handle.Native.pact_telemetry_track(handle.Address, e, c, a, value, n, v)));
                }
            }
            catch (Exception) // telemetry is no reason to stop a test
            {
                return Outcome.ErrorInternal;
            }
        }

        /// <summary>A run of consumer tests ended.</summary>
        /// <param name="count">Number of interactions.</param>
        /// <returns>The outcome.</returns>
        public Outcome ConsumerTestsRan(long count) =>
            Track(EventNames.PactConsumerTestsRan, Categories.ConsumerTest, Actions.Completed, count);

        /// <summary>A provider verification ended.</summary>
        /// <param name="count">Number of results.</param>
        /// <returns>The outcome.</returns>
        public Outcome PactsVerified(long count) =>
            Track(EventNames.PactsVerified, Categories.ProviderTest, Actions.Completed, count);

        /// <summary>A plugin was loaded.</summary>
        /// <param name="name">Its name.</param>
        /// <param name="version">Its version.</param>
        /// <returns>The outcome.</returns>
        public Outcome PluginLoaded(string name, string version = null) =>
            Track(EventNames.PluginLoaded, Categories.Plugin, Actions.Loaded, 1, name, version);

        /// <summary>A mock server was started.</summary>
        /// <returns>The outcome.</returns>
        public Outcome MockServerStarted() =>
            Track(EventNames.PactMockServerStarted, Categories.ConsumerTest, Actions.MockServerStarted);

        /// <summary>
        /// Puts every event that was accepted before on disk, and waits until it is there, but for no server. It is for
        /// a process that is about to be killed. A process that exits normally needs no call.
        /// </summary>
        /// <param name="timeout">The longest wait; 1 s if it is null.</param>
        /// <returns><see cref="Outcome.Ok"/> if no event waits, <see cref="Outcome.Kept"/> if those that wait are on
        /// disk.</returns>
        public Outcome Persist(TimeSpan? timeout = null) => Wait(handle?.Native.pact_telemetry_persist, timeout);

        /// <summary>Sends every event that was accepted before, and waits for the answers.</summary>
        /// <param name="timeout">The longest wait; 1 s if it is null.</param>
        /// <returns>The outcome; <see cref="Outcome.Ok"/> also for a client that is unavailable.</returns>
        public Outcome Flush(TimeSpan? timeout = null) => Wait(handle?.Native.pact_telemetry_flush, timeout);

        /// <summary>Accepts no more events, then flushes. A further call waits for events that are left.</summary>
        /// <param name="timeout">The longest wait; 1 s if it is null.</param>
        /// <returns>As for <see cref="Flush"/>.</returns>
        public Outcome Close(TimeSpan? timeout = null) => Wait(handle?.Native.pact_telemetry_close, timeout);

        /// <summary>Does what <see cref="Flush"/> does, on a thread of the pool.</summary>
        /// <param name="timeout">The longest wait; 1 s if it is null.</param>
        /// <returns>The outcome.</returns>
        public Task<Outcome> FlushAsync(TimeSpan? timeout = null) => Task.Run(() => Flush(timeout));

        /// <summary>Does what <see cref="Close"/> does, on a thread of the pool.</summary>
        /// <param name="timeout">The longest wait; 1 s if it is null.</param>
        /// <returns>The outcome.</returns>
        public Task<Outcome> CloseAsync(TimeSpan? timeout = null) => Task.Run(() => Close(timeout));

        /// <summary>Calls <see cref="Close"/> with its default.</summary>
        public void Dispose() => Close();

#if NETSTANDARD2_1_OR_GREATER || NETCOREAPP3_0_OR_GREATER
        /// <summary>Calls <see cref="CloseAsync"/> with its default.</summary>
        /// <returns>Ends when <see cref="CloseAsync"/> does.</returns>
        public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);
#endif

        /// <summary>
        /// Tells whether the client is on, which rule decided, what each rule read, and where events would go.
        /// </summary>
        /// <returns>Complete in every state.</returns>
        public Explanation Explain()
        {
            if (handle != null)
            {
                FollowEnvironment();
            }
            return Ask((start, capacity) => handle.Native.pact_telemetry_explain(handle.Address, start, capacity),
                (outcome, reason, told) => new Explanation(outcome, reason, Overruled(told)));
        }

        /// <summary>Returns the counters of this client in this process.</summary>
        /// <returns>Complete in every state.</returns>
        public Stats Stats() =>
            Ask((start, capacity) => handle.Native.pact_telemetry_stats(handle.Address, start, capacity),
                (outcome, reason, told) => new Stats(outcome, reason, told));

        /// <summary>Shows the request that would carry this event alone. Sends nothing.</summary>
        /// <param name="eventName">As for <see cref="Track"/>.</param>
        /// <param name="category">As for <see cref="Track"/>.</param>
        /// <param name="action">As for <see cref="Track"/>.</param>
        /// <param name="value">As for <see cref="Track"/>.</param>
        /// <param name="pluginName">As for <see cref="Track"/>.</param>
        /// <param name="pluginVersion">As for <see cref="Track"/>.</param>
        /// <returns>The request, or why there is none.</returns>
        public Preview Preview(string eventName, string category, string action, long value = 1,
            string pluginName = null, string pluginVersion = null)
        {
            return Ask(
                (start, capacity) =>
                {
                    fixed (byte* e = Text.Encode(eventName), c = Text.Encode(category), a = Text.Encode(action),
                        n = Text.Encode(pluginName), v = Text.Encode(pluginVersion))
                    {
                        return handle.Native.pact_telemetry_preview(handle.Address, e, c, a, value, n, v, start,
                            capacity);
                    }
                },
                (outcome, reason, told) => new Preview(outcome, reason, told));
        }

        private Outcome Wait(Native.WaitFunction wait, TimeSpan? timeout) =>
            handle == null ? Outcome.Ok : Named(Kept(wait(handle.Address, Milliseconds(timeout))));

        private static uint Milliseconds(TimeSpan? timeout)
        {
            return (uint)Math.Min(Math.Max(0, Text.Milliseconds(timeout ?? DefaultTimeout)), uint.MaxValue);
        }

        /// <summary>
        /// The outcome of a status. One of a newer library is <see cref="Outcome.Unknown"/> if it is positive, and
        /// <see cref="Outcome.ErrorUnknown"/> if it is negative.
        /// </summary>
        private static Outcome Named(int status)
        {
            return status >= (int)Outcome.ErrorInternal && status <= (int)Outcome.Kept ? (Outcome)status
                : status > 0 ? Outcome.Unknown : Outcome.ErrorUnknown;
        }

        private ClientHandle Make(TelemetryOptions options)
        {
            byte[] error = new byte[ErrorCapacity];
            fixed (byte* config = Text.Encode(options.ToConfig()), text = error)
            {
                IntPtr address = Loader.Native.pact_telemetry_new(config, text, ErrorCapacity);
                if (address == IntPtr.Zero)
                {
                    UnavailableReason = Text.Owned(text);
                    return null;
                }
                return new ClientHandle(Loader.Native, address);
            }
        }

        /// <summary>Turns the native client off and on with the opt-outs that only managed code sees.</summary>
        private void FollowEnvironment()
        {
            if (handle == null || !ManagedEnvironment.IsCopy || (ManagedEnvironment.Off() != null) == turnedOff)
            {
                return;
            }
            lock (switching)
            {
                turnedOff = ManagedEnvironment.Off() != null;
                Kept(handle.Native.pact_telemetry_set_enabled(handle.Address, wanted && !turnedOff ? 1 : 0));
            }
        }

        /// <summary>
        /// Names the variable as the rule where the managed environment opted out. The library only knows that the host
        /// program turned the client off.
        /// </summary>
        private System.Xml.Linq.XElement Overruled(System.Xml.Linq.XElement told)
        {
            string variable = turnedOff && wanted ? ManagedEnvironment.Off() : null;
            if (told != null && variable != null && told.Text("rule") == "host")
            {
                told.Element("rule").Value = variable;
            }
            return told;
        }

        private T Ask<T>(Text.Writer write, Func<Outcome, string, System.Xml.Linq.XElement, T> answer)
        {
            if (handle == null)
            {
                return answer(Outcome.Unavailable, UnavailableReason, null);
            }
            try
            {
                int status;
                string told = Text.Read(write, out status);
                Outcome outcome = told == null ? Named(status) : Outcome.Ok;
                return told == null ? answer(outcome, "the library refuses: " + outcome, null)
                    : answer(outcome, null, Json.Parse(told));
            }
            catch (Exception error)
            {
                return answer(Outcome.ErrorInternal, error.Message, null);
            }
        }

        /// <summary>
        /// Keeps the handle alive until the call that returned this result is over.
        /// </summary>
        private int Kept(int result)
        {
            GC.KeepAlive(handle);
            return result;
        }
    }
}
