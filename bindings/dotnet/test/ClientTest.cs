using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Threading;
using System.Xml.Linq;
using NUnit.Framework;

namespace PactFoundation.Telemetry.Tests
{
    /// <summary>Tests of the public classes.</summary>
    [TestFixture]
    public class ClientTest
    {
        private string state;

        [SetUp]
        public void OwnState()
        {
            state = Support.NewState();
        }

        [TearDown]
        public void RemoveState()
        {
            try
            {
                Directory.Delete(state, true);
            }
            catch (IOException)
            {
                // The library may be writing there.
            }
        }

        [Test]
        public void The_four_events_arrive_and_name_the_reporting_library()
        {
            using (var collector = new Collector())
            {
                using (var client = new TelemetryClient(Support.Options(collector.Url)))
                {
                    Assert.IsNull(client.UnavailableReason);
                    Outcome[] outcomes =
                    {
                        client.MockServerStarted(), client.ConsumerTestsRan(3), client.PactsVerified(0),
                        client.PluginLoaded("csv", "0.0.6"), client.Flush(Support.Patience),
                    };
                    CollectionAssert.AreEqual(Enumerable.Repeat(Outcome.Ok, 5), outcomes);
                    Assert.AreEqual(4, client.Stats().Delivered);
                }
                List<XElement> events = collector.Events();
                CollectionAssert.AreEqual(
                    new[] { "Pact mock server started", "Pact consumer tests ran", "Pacts verified", "Plugin loaded" },
                    events.Select(one => one.Text("event")));
                CollectionAssert.AreEqual(new[] { "1", "3", "0", "1" }, events.Select(one => one.Text("value")));
                XElement last = events[3];
                CollectionAssert.AreEqual(new[] { "pact-test", "Pact Test", "1.2.3", "csv", "0.0.6", "NUnit" }, new[]
                {
                    last.Text("library_name"), last.Text("library_title"), last.Text("library_version"),
                    last.Text("plugin_name"), last.Text("plugin_version"), last.Text("test_framework"),
                });
                StringAssert.IsMatch(@"^(Mono|\.NET)[\w .]* \d+\.\d+", last.Text("platform_version"));
            }
        }

        [Test]
        public void Bad_texts_and_values_get_the_error_of_the_library()
        {
            var client = new TelemetryClient(Support.Options());
            var bad = new Dictionary<string, Outcome>
            {
                [""] = Outcome.ErrorEmpty, [" "] = Outcome.ErrorEmpty, ["\ud800"] = Outcome.ErrorUtf8,
                ["a\0b"] = Outcome.ErrorForbidden, ["/home/alice"] = Outcome.ErrorForbidden,
                [new string('x', 501)] = Outcome.ErrorTooLong,
            };
            foreach (KeyValuePair<string, Outcome> one in bad)
            {
                Assert.AreEqual(one.Value, client.Track(one.Key, "c", "a"));
                Assert.AreEqual(one.Value, client.Track("e", "c", one.Key));
                Assert.AreEqual(one.Value, client.Preview(one.Key, "c", "a").Outcome);
            }
            Assert.AreEqual(Outcome.ErrorNull, client.Track(null, "c", "a"));
            Assert.AreEqual(Outcome.ErrorRange, client.PactsVerified(-1));
            Assert.AreEqual(Outcome.Ok, client.Track("Größe 日本 \U0001F600", "c", "a", long.MaxValue));
            Assert.AreEqual(1, client.Stats().Accepted);
        }

        [Test]
        public void More_texts_than_are_remembered_arrive_unchanged()
        {
            var client = new TelemetryClient(Support.Options());
            for (int i = 0; i < 600; i++)
            {
                string name = "event " + i;
                StringAssert.Contains("\"" + name + "\"", client.Preview(name, "c", "a").Body);
            }
        }

        [Test]
        public void Wrong_options_make_a_silent_client_that_says_why()
        {
            var wrong = new Dictionary<string, TelemetryOptions>
            {
                ["null"] = null,
                ["library.id"] = new TelemetryOptions("", "n", "1"),
                ["library"] = new TelemetryOptions(null, null, null),
                ["queue_capacity"] = new TelemetryOptions("i", "n", "1") { QueueCapacity = 0 },
                ["exit_timeout_ms"] = new TelemetryOptions("i", "n", "1") { ExitTimeout = TimeSpan.FromSeconds(11) },
                ["notice"] = new TelemetryOptions("i", "n", "1") { Notice = "never" },
            };
            foreach (KeyValuePair<string, TelemetryOptions> one in wrong)
            {
                var client = new TelemetryClient(one.Value);
                StringAssert.Contains(one.Key, client.UnavailableReason);
                Assert.AreEqual(Outcome.Unavailable, client.PactsVerified(1));
                Assert.AreEqual(Outcome.Ok, client.Close());
            }
        }

        [TestCase(0, 0)]
        [TestCase(1, 1)]
        [TestCase(15000, 2)]
        [TestCase(100000000, 10000)]
        public void The_exit_timeout_is_rounded_up_to_milliseconds(long ticks, int milliseconds)
        {
            TelemetryOptions options = Support.Options();
            options.ExitTimeout = TimeSpan.FromTicks(ticks);
            Explanation explained = new TelemetryClient(options).Explain();
            Assert.AreEqual(TimeSpan.FromMilliseconds(milliseconds), explained.ExitTimeout);
            options.ExitTimeout = TimeSpan.FromTicks(100000001);
            StringAssert.Contains("exit_timeout_ms", new TelemetryClient(options).UnavailableReason);
        }

        [Test]
        public void Every_answer_is_complete_in_every_state()
        {
            var closed = new TelemetryClient(Support.Options());
            closed.Close();
            TelemetryOptions off = Support.Options();
            off.Enabled = false;
            TelemetryOptions wrong = Support.Options();
            wrong.QueueCapacity = 0;
            var clients = new Dictionary<State, TelemetryClient>
            {
                [State.Enabled] = new TelemetryClient(Support.Options()),
                [State.Closed] = closed,
                [State.Disabled] = new TelemetryClient(off),
                [State.NotConfigured] = new TelemetryClient(new TelemetryOptions("i", "n", "1")),
                [State.Unavailable] = new TelemetryClient(wrong),
            };
            string[] reasons = clients[State.Enabled].Stats().Dropped.Keys.ToArray();
            foreach (KeyValuePair<State, TelemetryClient> one in clients)
            {
                Explanation explained = one.Value.Explain();
                Assert.AreEqual(one.Key, explained.State);
                Assert.AreEqual(one.Key == State.Enabled, explained.Enabled);
                Assert.AreEqual(one.Key == State.Enabled, one.Value.Enabled);
                Assert.AreEqual(one.Key == State.Unavailable, explained.Reason != null);
                Assert.AreEqual(one.Key == State.Unavailable ? 0 : 6, explained.Rules.Count);
                Assert.IsNotNull(explained.NoticeText);
                Assert.IsNotNull(explained.Diagnostics);
                CollectionAssert.AreEqual(reasons, one.Value.Stats().Dropped.Keys);
                Assert.AreEqual(5, one.Value.Stats().NotAccepted.Count);
                Assert.AreEqual(one.Key == State.Unavailable, one.Value.Preview("e", "c", "a").Body == null);
            }
            Assert.AreEqual("host", clients[State.Disabled].Explain().DecidedBy);
            Assert.AreEqual(Says.Off, clients[State.Disabled].Explain().Rules[0].Says);
            Assert.AreEqual(DateTimeOffset.FromUnixTimeMilliseconds(1), clients[State.Enabled].Explain().NoticeShown);
        }

        [Test]
        public void The_switch_and_the_environment_take_effect_at_once()
        {
            var client = new TelemetryClient(Support.Options());
            Assert.AreEqual(Outcome.Ok, client.PactsVerified(1));
            client.Enabled = false;
            Assert.AreEqual(Outcome.Disabled, client.PactsVerified(1));
            client.Enabled = true;
            Environment.SetEnvironmentVariable("DO_NOT_TRACK", "1");
            try
            {
                Assert.AreEqual(Outcome.Disabled, client.PactsVerified(1));
                Assert.AreEqual("DO_NOT_TRACK", client.Explain().DecidedBy);
            }
            finally
            {
                Environment.SetEnvironmentVariable("DO_NOT_TRACK", null);
            }
            Assert.AreEqual(Outcome.Ok, client.PactsVerified(1));
        }

        [DllImport("libc", EntryPoint = "putenv")]
        private static extern int PutEnv(IntPtr entry);

        [DllImport("libc", EntryPoint = "unsetenv")]
        private static extern int UnsetEnv(string name);

        [Test]
        public void An_opt_out_in_the_memory_of_another_variable_takes_effect_at_once()
        {
            var entry = Marshal.StringToHGlobalAnsi("AA_NOT_TRACK=1"); // the environment goes on using it
            var client = new TelemetryClient(Support.Options());
            Assert.AreEqual(0, PutEnv(entry));
            Assert.AreEqual(Outcome.Ok, client.PactsVerified(1));
            Marshal.Copy(new[] { (byte)'D', (byte)'O' }, 0, entry, 2);
            try
            {
                Assert.AreEqual(Outcome.Disabled, client.PactsVerified(1));
                Assert.AreEqual("DO_NOT_TRACK", client.Explain().DecidedBy);
            }
            finally
            {
                UnsetEnv("DO_NOT_TRACK");
            }
            Assert.AreEqual(Outcome.Ok, client.PactsVerified(1));
        }

        /// <summary>
        /// On Unix, programs of .NET change a copy of the environment, which the library does not see.
        /// </summary>
        [Test]
        public void An_environment_that_only_managed_code_sees_takes_effect_at_once()
        {
            string value = null;
            ManagedEnvironment.IsCopy = true;
            ManagedEnvironment.Read = name => name == "PACT_DO_NOT_TRACK" ? value : null;
            try
            {
                var client = new TelemetryClient(Support.Options());
                Assert.AreEqual(Outcome.Ok, client.PactsVerified(1));
                value = "yes";
                Assert.AreEqual(Outcome.Disabled, client.PactsVerified(1));
                Assert.AreEqual("PACT_DO_NOT_TRACK", client.Explain().DecidedBy);
                client.Flush(Support.Patience); // afterwards the event is dropped for certain
                Assert.AreEqual(1, client.Stats().Dropped["opted_out"], "the waiting event was dropped");
                client.Enabled = true;
                Assert.IsFalse(client.Enabled);
                Assert.AreEqual(Outcome.Disabled, new TelemetryClient(Support.Options()).PactsVerified(1));
                value = " OFF ";
                Assert.IsTrue(client.Enabled);
                Assert.AreEqual(Outcome.Ok, client.PactsVerified(1));
                client.Enabled = false;
                value = "1";
                client.PactsVerified(1);
                value = null;
                Assert.AreEqual(Outcome.Disabled, client.PactsVerified(1), "the program's own switch stays off");
            }
            finally
            {
                ManagedEnvironment.IsCopy = false;
                ManagedEnvironment.Read = Environment.GetEnvironmentVariable;
            }
        }

        [Test]
        public void Persist_and_flush_tell_that_events_wait()
        {
            using (var collector = new Collector("--answers hang*"))
            {
                var client = new TelemetryClient(Support.Options(collector.Url));
                Assert.AreEqual(Outcome.Ok, client.Persist());
                client.PactsVerified(1);
                Assert.AreEqual(Outcome.Kept, client.Persist(Support.Patience));
                Assert.AreEqual(Outcome.ErrorTimeout, client.FlushAsync(TimeSpan.FromMilliseconds(1)).Result);
                foreach (TimeSpan timeout in new[] { TimeSpan.Zero, TimeSpan.MinValue, TimeSpan.FromTicks(-1) })
                {
                    Assert.AreEqual(Outcome.ErrorTimeout, client.Flush(timeout));
                }
                client.Enabled = false;
            }
        }

        [Test]
        public void Close_while_other_threads_track()
        {
            using (var collector = new Collector())
            {
                var client = new TelemetryClient(Support.Options(collector.Url));
                var seen = new HashSet<Outcome>();
                Thread[] threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
                {
                    Outcome outcome;
                    do
                    {
                        outcome = client.PactsVerified(1);
                        lock (seen)
                        {
                            seen.Add(outcome);
                        }
                    }
                    while (outcome != Outcome.Closed);
                })).ToArray();
                Array.ForEach(threads, thread => thread.Start());
                SpinWait.SpinUntil(() => client.Stats().Accepted > 0, Support.Patience);
                client.Close(Support.Patience);
                Array.ForEach(threads, thread => thread.Join());
                CollectionAssert.IsSubsetOf(seen, new[] { Outcome.Ok, Outcome.QueueFull, Outcome.Closed });
                Assert.AreEqual(State.Closed, client.Explain().State);
            }
        }

        [Test]
        public void A_client_that_nothing_refers_to_is_released()
        {
            List<WeakReference> handles = Made(50);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            // A conservative garbage collector may find a few of them on a stack.
            Assert.Less(handles.Count(handle => handle.IsAlive), 10);
        }

        private static List<WeakReference> Made(int count)
        {
            return Enumerable.Range(0, count).Select(_ =>
                new WeakReference(new TelemetryClient(Support.Options()).Handle)).ToList();
        }

        [TestCase("return", 3)]
        [TestCase("exit", 4)]
        [TestCase("late", 0)]
        public void A_process_that_exits_without_a_close_reports(string how, int code)
        {
            using (var collector = new Collector())
            {
                Support.Run("mono", Support.Build + "/Program.exe " + how + " " + collector.Url, null, code);
                CollectionAssert.AreEqual(new[] { "Pacts verified" }, collector.Names());
            }
        }

        /// <summary>The event is on disk before the runtime may abort the process.</summary>
        [Test]
        public void A_process_that_ends_by_an_exception_loses_nothing()
        {
            using (var collector = new Collector("--answers hang*"))
            {
                Support.Run("mono", Support.Build + "/Program.exe throw " + collector.Url, null, 1);
                string status = Support.Run(Support.Command, "status --json");
                Assert.AreEqual(1, Json.Parse(status).Element("waiting").Number("events"));
            }
        }

        [TestCase("xunit.core", "xUnit")]
        [TestCase("xunit.v3.core", "xUnit")]
        [TestCase("nunit.framework", "NUnit")]
        [TestCase("Microsoft.VisualStudio.TestPlatform.TestFramework", "MSTest")]
        [TestCase("MSTest.TestFramework", "MSTest")]
        [TestCase("xunit.core.other", "none")]
        public void The_framework_is_recognised_by_its_assembly(string assembly, string framework)
        {
            Assert.AreEqual(framework, Support.Run("mono", Support.Build + "/Program.exe framework " + assembly));
        }

        [Test]
        public void The_program_of_the_readme_compiles_and_reports()
        {
            string readme = File.ReadAllText(Path.Combine(Support.Root, "bindings/dotnet/README.md"));
            string code = Regex.Match(readme, "^```csharp\n(.*?)^```",
                RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value;
            string source = Path.Combine(state, "readme.cs");
            File.WriteAllText(source, code);
            string program = Path.Combine(Support.Build, "Readme.exe");
            Support.Run("mcs", "-out:" + program + " -r:Facades/netstandard.dll -r:" + Support.Build
                + "/PactFoundation.Telemetry.dll " + source);
            using (var collector = new Collector())
            {
                string output = Support.Run("mono", program, new Dictionary<string, string>
                {
                    ["PACT_TELEMETRY_ENDPOINT"] = collector.Url, ["PACT_TELEMETRY_MEASUREMENT_ID"] = "G-1",
                    ["PACT_TELEMETRY_API_SECRET"] = "s",
                });
                Assert.AreEqual("Enabled\n", output);
                CollectionAssert.AreEqual(
                    new[] { "Own event", "Pact consumer tests ran", "Pact mock server started", "Plugin loaded" },
                    collector.Names());
            }
        }
    }
}
