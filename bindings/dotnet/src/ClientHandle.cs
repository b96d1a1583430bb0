using System;
using System.Collections.Generic;
using System.Diagnostics;

namespace PactFoundation.Telemetry
{
    /// <summary>
    /// A native client. It is released when nothing refers to it any more, and so never during a call.
    /// </summary>
    internal sealed class ClientHandle
    {
        internal readonly Native Native;
        internal readonly IntPtr Address;

        private static readonly List<WeakReference<ClientHandle>> All = new List<WeakReference<ClientHandle>>();

        internal ClientHandle(Native native, IntPtr address)
        {
            Native = native;
            Address = address;
            lock (All)
            {
                if (All.Count == 0)
                {
                    AppDomain.CurrentDomain.ProcessExit += (sender, arguments) => PersistAll();
                    // .NET aborts the process after this, without exit handlers.
                    AppDomain.CurrentDomain.UnhandledException += (sender, arguments) => PersistAll();
                }
                All.RemoveAll(Collected);
                All.Add(new WeakReference<ClientHandle>(this));
            }
        }

        ~ClientHandle()
        {
            Native.pact_telemetry_free(Address);
        }

        /// <summary>
        /// Runs when the process exits, also where the runtime runs no C exit handlers. On Windows the library learns
        /// of the exit after its threads have ended, so the events that wait are sent here.
        /// </summary>
        private static void PersistAll()
        {
            try
            {
                List<WeakReference<ClientHandle>> all;
                lock (All)
                {
                    all = new List<WeakReference<ClientHandle>>(All);
                }
                var waited = Stopwatch.StartNew();
                foreach (WeakReference<ClientHandle> one in all)
                {
                    ClientHandle handle;
                    if (one.TryGetTarget(out handle))
                    {
                        handle.PersistAtExit(waited);
                        GC.KeepAlive(handle);
                    }
                }
            }
            catch (Exception) // telemetry must not prevent the exit
            {
            }
        }

        private unsafe void PersistAtExit(Stopwatch waited)
        {
            if (!Platform.IsWindows && Native.pact_telemetry_persist(Address, 0) >= 0)
            {
                return;
            }
            int status;
            string told = Text.Read((start, capacity) => Native.pact_telemetry_explain(Address, start, capacity),
                out status);
            long left = Math.Max(0, Json.Parse(told).Number("exit_timeout_ms") - waited.ElapsedMilliseconds);
            if (Platform.IsWindows)
            {
                Native.pact_telemetry_flush(Address, (uint)left);
            }
            else
            {
                Native.pact_telemetry_persist(Address, (uint)left);
            }
        }

        private static bool Collected(WeakReference<ClientHandle> one)
        {
            ClientHandle ignored;
            return !one.TryGetTarget(out ignored);
        }
    }
}
