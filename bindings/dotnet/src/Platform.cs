using System;
using System.IO;
using System.Linq;
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
                string system = IsWindows ? "win" : IsMac ? "osx" : IsMusl("/proc/self/maps") ? "linux-musl" : "linux";
                return system + "-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
            }
        }

        /// <summary>
        /// Whether musl is the C library of the process with these maps. If so, musl is mapped under a name that glibc
        /// never has: <c>ld-musl-x86_64.so.1</c>, or <c>libc.so</c> where that is a link, as on Debian. It is not
        /// enough that musl is installed.
        /// </summary>
        internal static bool IsMusl(string maps)
        {
            try
            {
                return System.IO.File.ReadLines(maps).Any(line =>
                    line.Contains("/ld-musl-") || line.EndsWith("/libc.so", StringComparison.Ordinal));
            }
            catch (Exception error) when (error is IOException || error is UnauthorizedAccessException)
            {
                return false;
            }
        }
    }
}
