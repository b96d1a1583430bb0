using System;
using System.Reflection;
using System.Reflection.Emit;

namespace PactFoundation.Telemetry
{
    /// <summary>A program for the tests. The first argument says what it does, the second is the endpoint.</summary>
    internal static class Program
    {
        private static int Main(string[] arguments)
        {
            var client = new TelemetryClient(new TelemetryOptions("pact-test", "Pact Test", "1")
            {
                Endpoint = arguments[1], MeasurementId = "G-1", ApiSecret = "s", ExitTimeout = TimeSpan.FromSeconds(10),
            });
            switch (arguments[0])
            {
                case "return":
                    client.PactsVerified(1);
                    return 3;
                case "exit":
                    client.PactsVerified(1);
                    Environment.Exit(4);
                    return 0;
                case "throw":
                    client.PactsVerified(1);
                    throw new InvalidOperationException("a test failed");
                case "framework":
                    var name = new AssemblyName(arguments[1]);
                    AppDomain.CurrentDomain.DefineDynamicAssembly(name, AssemblyBuilderAccess.Run);
                    Console.Write(Runtime.TestFramework() ?? "none");
                    return 0;
                case "late":
                    new LateEvent(client);
                    return 0;
                case "silent":
                    Explanation explained = client.Explain();
                    Console.WriteLine(string.Join(" ", client.PactsVerified(1), client.Flush(), client.Persist(),
                        client.Close(),
                        client.Enabled, explained.State, explained.Rules.Count, client.Stats().Dropped["internal"],
                        client.Stats().NotAccepted.Count, client.Preview("e", "c", "a").Body == null));
                    Console.WriteLine(client.UnavailableReason);
                    return client.UnavailableReason == explained.Reason ? 0 : 1;
                case "newer":
                    Explanation newer = client.Explain();
                    Console.WriteLine(string.Join(" ", client.PactsVerified(1), client.PactsVerified(-1),
                        client.Persist(), client.Flush(), client.Close(), client.Stats().Outcome,
                        client.Preview("e", "c", "a").Outcome));
                    Console.WriteLine(string.Join(" ", newer.Outcome, newer.Enabled, newer.State, newer.Rules[0].Says));
                    return 0;
                default:
                    return 9;
            }
        }

        private sealed class LateEvent
        {
            private readonly TelemetryClient client;

            internal LateEvent(TelemetryClient client)
            {
                this.client = client;
                AppDomain.CurrentDomain.ProcessExit += (sender, data) => this.client.PactsVerified(1);
            }
        }
    }
}
