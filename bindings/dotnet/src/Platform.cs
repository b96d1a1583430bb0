using System;
using System.IO;
using System.Runtime.InteropServices;

namespace PactFoundation.Telemetry
{
    /// <summary>The platform of this process, and the names of the library's file on it. Starts nothing.</summary>
    internal static class Platform
    {
        internal static readonly bool IsWindows = RuntimeInformation.IsOSPlatform(OSPlatform.Windows);
        internal static readonly bool IsMac = RuntimeInformation.IsOSPlatform(OSPlatform.OSX);
        internal static readonly bool IsMono = Type.GetType("Mono.Runtime") != null;

        /// <summary>The name of a file in a package.</summary>
        internal static string File =>
            IsWindows ? "pact_telemetry.dll" : IsMac ? "libpact_telemetry.dylib" : "libpact_telemetry.so";

        /// <summary>The name of the file where the system keeps libraries.</summary>
        internal static string SystemFile =>
            IsWindows ? "pact_telemetry.dll" : IsMac ? "libpact_telemetry.1.dylib" : "libpact_telemetry.so.1";

        /// <summary>NuGet's name of the platform, such as linux-musl-x64.</summary>
        internal static string Rid
        {
            get
            {
                string system = IsWindows ? "win" : IsMac ? "osx" : IsMusl() ? "linux-musl" : "linux";
                return system + "-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
            }
        }

        /// <summary>Whether this process runs on musl, whose loader is mapped then.</summary>
        private static bool IsMusl()
        {
            try
            {
                return System.IO.File.ReadAllText("/proc/self/maps").Contains("/ld-musl-");
            }
            catch (Exception error) when (error is IOException || error is UnauthorizedAccessException)
            {
                return false;
            }
        }
    }
}
