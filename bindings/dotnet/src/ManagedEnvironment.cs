using System;

namespace PactFoundation.Telemetry
{
    /// <summary>
    /// The opt-outs that only managed code sees. On Unix, .NET keeps a copy of the environment, so the library does not
    /// see a variable that a program sets later. With Mono and on Windows both have the same environment.
    /// </summary>
    internal static class ManagedEnvironment
    {
        /// <summary>Whether there is a copy that has to be checked. Tests change it.</summary>
        internal static bool IsCopy = !Platform.IsMono && !Platform.IsWindows;

        /// <summary>How a variable is read. Tests change it.</summary>
        internal static Func<string, string> Read = Environment.GetEnvironmentVariable;

        private static readonly string[] Variables = { "PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK" };

        /// <summary>The variable that opts out; null if there is none.</summary>
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

        /// <summary>Whether a value opts out. The rule is that of the library.</summary>
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
