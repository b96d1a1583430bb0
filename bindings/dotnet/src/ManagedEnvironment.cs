using System;

namespace PactFoundation.Telemetry
{
    /// <summary>
    /// The opt-outs that only managed code sees. On Unix .NET keeps a copy of the environment, so what a program sets
    /// late does not reach the library. Mono and Windows have one environment for both.
    /// </summary>
    internal static class ManagedEnvironment
    {
        /// <summary>Is there a copy that has to be asked? Tests change it.</summary>
        internal static bool IsCopy = !Platform.IsMono && !Platform.IsWindows;

        /// <summary>How a variable is read. Tests change it.</summary>
        internal static Func<string, string> Read = Environment.GetEnvironmentVariable;

        private static readonly string[] Variables = { "PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK" };

        /// <summary>The variable that says off; null if none does.</summary>
        internal static string Off()
        {
            if (IsCopy)
            {
                foreach (string name in Variables)
                {
                    if (SaysOff(Read(name)))
                    {
                        return name;
                    }
                }
            }
            return null;
        }

        /// <summary>By the library's own rule.</summary>
        internal static bool SaysOff(string value)
        {
            switch (value?.Trim().ToLowerInvariant())
            {
                case null:
                case "":
                case "0":
                case "false":
                case "no":
                case "off":
                    return false;
                default:
                    return true;
            }
        }
    }
}
