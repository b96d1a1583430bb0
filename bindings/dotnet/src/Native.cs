using System;
using System.Runtime.InteropServices;

namespace PactFoundation.Telemetry
{
    /// <summary>Mirrors include/pact_telemetry.h and nothing more. All types are blittable.</summary>
    internal sealed unsafe class Native
    {
        /// <summary>The number of the ABI that this file was written for.</summary>
        internal const uint AbiVersion = 1;

        internal readonly AbiVersionFunction pact_telemetry_abi_version;
        internal readonly VersionFunction pact_telemetry_version;
        internal readonly StatusNameFunction pact_telemetry_status_name;
        internal readonly NewFunction pact_telemetry_new;
        internal readonly TrackFunction pact_telemetry_track;
        internal readonly SetEnabledFunction pact_telemetry_set_enabled;
        internal readonly IsEnabledFunction pact_telemetry_is_enabled;
        internal readonly TextFunction pact_telemetry_explain;
        internal readonly PreviewFunction pact_telemetry_preview;
        internal readonly TextFunction pact_telemetry_stats;
        internal readonly WaitFunction pact_telemetry_persist;
        internal readonly WaitFunction pact_telemetry_flush;
        internal readonly WaitFunction pact_telemetry_close;
        internal readonly FreeFunction pact_telemetry_free;

        /// <param name="find">Returns the address of a function; zero if there is none.</param>
        /// <exception cref="MissingMethodException">The library lacks a function.</exception>
        internal Native(Func<string, IntPtr> find)
        {
            pact_telemetry_abi_version = Find<AbiVersionFunction>(find, nameof(pact_telemetry_abi_version));
            pact_telemetry_version = Find<VersionFunction>(find, nameof(pact_telemetry_version));
            pact_telemetry_status_name = Find<StatusNameFunction>(find, nameof(pact_telemetry_status_name));
            pact_telemetry_new = Find<NewFunction>(find, nameof(pact_telemetry_new));
            pact_telemetry_track = Find<TrackFunction>(find, nameof(pact_telemetry_track));
            pact_telemetry_set_enabled = Find<SetEnabledFunction>(find, nameof(pact_telemetry_set_enabled));
            pact_telemetry_is_enabled = Find<IsEnabledFunction>(find, nameof(pact_telemetry_is_enabled));
            pact_telemetry_explain = Find<TextFunction>(find, nameof(pact_telemetry_explain));
            pact_telemetry_preview = Find<PreviewFunction>(find, nameof(pact_telemetry_preview));
            pact_telemetry_stats = Find<TextFunction>(find, nameof(pact_telemetry_stats));
            pact_telemetry_persist = Find<WaitFunction>(find, nameof(pact_telemetry_persist));
            pact_telemetry_flush = Find<WaitFunction>(find, nameof(pact_telemetry_flush));
            pact_telemetry_close = Find<WaitFunction>(find, nameof(pact_telemetry_close));
            pact_telemetry_free = Find<FreeFunction>(find, nameof(pact_telemetry_free));
        }

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate uint AbiVersionFunction();

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate byte* VersionFunction();

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate byte* StatusNameFunction(int status);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate IntPtr NewFunction(byte* config_json, byte* error, uint error_capacity);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate int TrackFunction(IntPtr client, byte* @event, byte* category, byte* action, long value,
            byte* plugin_name, byte* plugin_version);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate int SetEnabledFunction(IntPtr client, int enabled);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate int IsEnabledFunction(IntPtr client);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate int TextFunction(IntPtr client, byte* @out, uint capacity);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate int PreviewFunction(IntPtr client, byte* @event, byte* category, byte* action, long value,
            byte* plugin_name, byte* plugin_version, byte* @out, uint capacity);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate int WaitFunction(IntPtr client, uint timeout_ms);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        internal delegate void FreeFunction(IntPtr client);

        private static T Find<T>(Func<string, IntPtr> find, string name)
        {
            IntPtr address = find(name);
            if (address == IntPtr.Zero)
            {
                throw new MissingMethodException("has no function " + name);
            }
            return Marshal.GetDelegateForFunctionPointer<T>(address);
        }
    }
}
