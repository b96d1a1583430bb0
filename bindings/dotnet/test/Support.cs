using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Xml.Linq;
using NUnit.Framework;

namespace PactFoundation.Telemetry.Tests
{
    /// <summary>Shared by the tests: a separate state folder, the real collector, and programs.</summary>
    internal static class Support
    {
        internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
        internal static readonly string Build = Path.GetDirectoryName(typeof(Support).Assembly.Location);
        internal static readonly string Root = Path.GetFullPath(Path.Combine(Build, "../../.."));
        internal static readonly string Command = Environment.GetEnvironmentVariable("PACT_TELEMETRY_COMMAND");
        internal static readonly string Library = Environment.GetEnvironmentVariable("PACT_TELEMETRY_LIBRARY");

        /// <summary>Options of a client that is configured.</summary>
        internal static TelemetryOptions Options(string endpoint = "http://127.0.0.1:9")
        {
            return new TelemetryOptions("pact-test", "Pact Test", "1.2.3")
            {
                Endpoint = endpoint, MeasurementId = "G-TEST", ApiSecret = "secret", ExitTimeout =
                    TimeSpan.FromSeconds(10),
            };
        }

        /// <summary>Makes a state folder as it is after the person has seen the notice.</summary>
        internal static string NewState()
        {
            string state = Path.Combine(Path.GetTempPath(), "pact-telemetry-dotnet-" + Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(state);
            File.WriteAllText(Path.Combine(state, "notice.json"), "{\"shown_ms\":1}");
            Environment.SetEnvironmentVariable("PACT_TELEMETRY_STATE_DIR", state);
            return state;
        }

        /// <summary>Runs a program. Returns its output, and fails if it exits with another code.</summary>
        internal static string Run(string program, string arguments, IDictionary<string, string> environment = null,
            int code = 0)
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
            };
            foreach (KeyValuePair<string, string> one in environment ?? new Dictionary<string, string>())
            {
                start.EnvironmentVariables[one.Key] = one.Value;
            }
            using (Process process = Process.Start(start))
            {
                var error = process.StandardError.ReadToEndAsync();
                string output = process.StandardOutput.ReadToEnd();
                Assert.IsTrue(process.WaitForExit((int)Patience.TotalMilliseconds), program + " does not exit");
                Assert.AreEqual(code, process.ExitCode, output + error.Result);
                return output;
            }
        }
    }

    /// <summary><c>pact-telemetry collect</c> as a process.</summary>
    internal sealed class Collector : IDisposable
    {
        private readonly Process process;
        private readonly List<XElement> events = new List<XElement>();
        private readonly System.Threading.Tasks.Task reading;

        internal Collector(string arguments = "")
        {
            var start = new ProcessStartInfo(Support.Command, "collect " + arguments)
            {
                UseShellExecute = false, RedirectStandardOutput = true,
            };
            process = Process.Start(start);
            Url = Json.Parse(process.StandardOutput.ReadLine()).Text("url");
            reading = System.Threading.Tasks.Task.Run(() => Read());
        }

        internal string Url { get; }

        /// <summary>The fields of every event that arrived. Stops the collector.</summary>
        internal List<XElement> Events()
        {
            Dispose();
            return events;
        }

        internal List<string> Names() =>
            Events().Select(one => one.Text("event")).OrderBy(name => name, StringComparer.Ordinal).ToList();

        /// <summary>Asks the collector to end. It then writes all lines of what has arrived.</summary>
        public void Dispose()
        {
            if (!process.HasExited)
            {
                Kill(process.Id, 15); // SIGTERM
            }
            reading.Wait();
        }

        [DllImport("libc", EntryPoint = "kill")]
        private static extern int Kill(int process, int signal);

        private void Read()
        {
            for (string line = process.StandardOutput.ReadLine(); line != null; line =
                process.StandardOutput.ReadLine())
            {
                XElement record = Json.Parse(line);
                if (record.Text("type") == "event")
                {
                    events.Add(record.Element("fields"));
                }
            }
        }
    }
}
