using System;
using System.Diagnostics;
using System.Linq;
using System.Text;

namespace PactFoundation.Telemetry
{
    /// <summary>
    /// Measures what <c>Track</c> costs its caller, compared with a bare foreign call in the same run.
    /// </summary>
    internal static unsafe class Bench
    {
        private const int Burst = 1000;
        private const int Rounds = 100;

        private static int Main(string[] arguments)
        {
            var options = new TelemetryOptions("b", "Bench", "1")
            {
                Endpoint = arguments[0], MeasurementId = "G-1", ApiSecret = "s",
            };
            var client = new TelemetryClient(options);
            var off = new TelemetryClient(new TelemetryOptions("b", "Bench", "1") { Enabled = false });
            if (client.UnavailableReason != null)
            {
                Console.Error.WriteLine(client.UnavailableReason);
                return 1;
            }
            IntPtr address = client.Handle.Address;
            var nothing = new double[Rounds];
            var bare = new double[Rounds];
            var track = new double[Rounds];
            var refused = new double[Rounds];
            for (int round = -10; round < Rounds; round++) // the first rounds warm up
            {
                int i = Math.Max(round, 0);
                nothing[i] = Nanoseconds(() => Bare(IntPtr.Zero));
                bare[i] = Nanoseconds(() => Bare(address));
                client.Flush(TimeSpan.FromSeconds(30));
                track[i] = Nanoseconds(() => Public(client));
                client.Flush(TimeSpan.FromSeconds(30));
                refused[i] = Nanoseconds(() => Public(off));
            }
            if (client.Stats().Accepted != 2 * (Rounds + 10) * Burst)
            {
                Console.Error.WriteLine("not all events were accepted");
                return 1;
            }
            Print("bare call, NULL client", Median(nothing));
            Print("bare call, accepted", Median(bare));
            Print("public track, accepted", Median(track));
            Print("public track, turned off", Median(refused));
            Print("public less bare, accepted", Median(track) - Median(bare));
            Console.WriteLine("{0,-26} {1,7:F2}", "turned off / bare, NULL", Median(refused) / Median(nothing));
            return 0;
        }

        private static readonly byte[] Event = Encoding.UTF8.GetBytes(EventNames.PactsVerified + "\0");
        private static readonly byte[] Category = Encoding.UTF8.GetBytes(Categories.ProviderTest + "\0");
        private static readonly byte[] Action = Encoding.UTF8.GetBytes(Actions.Completed + "\0");

        private static void Bare(IntPtr client)
        {
            Native native = Loader.Native;
            for (int i = 0; i < Burst; i++)
            {
                fixed (byte* e = Event, c = Category, a = Action)
                {
                    native.pact_telemetry_track(client, e, c, a, 3, null, null);
                }
            }
        }

        private static void Public(TelemetryClient client)
        {
            for (int i = 0; i < Burst; i++)
            {
                client.Track(EventNames.PactsVerified, Categories.ProviderTest, Actions.Completed, 3);
            }
        }

        private static double Nanoseconds(System.Action work)
        {
            var watch = Stopwatch.StartNew();
            work();
            return watch.Elapsed.TotalMilliseconds * 1e6 / Burst;
        }

        private static double Median(double[] numbers) => numbers.OrderBy(number =>
            number).ElementAt(numbers.Length / 2);

        private static void Print(string name, double nanoseconds)
        {
            Console.WriteLine("{0,-26} {1,7:F1} ns", name, nanoseconds);
        }
    }
}
