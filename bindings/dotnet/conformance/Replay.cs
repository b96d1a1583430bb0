using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml.Linq;

namespace PactFoundation.Telemetry
{
    /// <summary>
    /// Replays conformance cases through the native layer: reads a line of JSON for each case, and writes one.
    /// </summary>
    internal static unsafe class Replay
    {
        private static readonly Native Native = Loader.Native;

        private static int Main()
        {
            if (Native == null)
            {
                Console.Error.WriteLine(Loader.Problem);
                return 1;
            }
            var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
            var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true,
                NewLine = "\n" };
            for (string line = input.ReadLine(); line != null; line = input.ReadLine())
            {
                output.WriteLine(One(Json.Parse(line)));
            }
            return 0;
        }

        private static string One(XElement given)
        {
            byte[] error = new byte[512];
            fixed (byte* config = Bytes(given.Element("config")), text = error)
            {
                IntPtr client = Native.pact_telemetry_new(config, text, (uint)error.Length);
                try
                {
                    IEnumerable<string> results = given.Element("calls").Elements().Select(call => Call(client,
                        call)).ToList();
                    string made = client == IntPtr.Zero ? Quote(Text.Owned(text)) : "null";
                    return "{\"name\":" + Quote(given.Text("name")) + ",\"new\":" + made + ",\"results\":["
                        + string.Join(",", results) + "]}";
                }
                finally
                {
                    Native.pact_telemetry_free(client);
                }
            }
        }

        private static string Call(IntPtr client, XElement call)
        {
            try
            {
                switch (call.Text("call"))
                {
                    case "track":
                    case "preview":
                        return Event(client, call);
                    case "explain":
                        return Read(call, (start, size) => Native.pact_telemetry_explain(client, start, size));
                    case "stats":
                        return Read(call, (start, size) => Native.pact_telemetry_stats(client, start, size));
                    case "set_enabled":
                        return Number(Native.pact_telemetry_set_enabled(client, checked((int)Whole(call, "enabled"))));
                    case "is_enabled":
                        return Number(Native.pact_telemetry_is_enabled(client));
                    case "persist":
                        return Number(Native.pact_telemetry_persist(client, checked((uint)Whole(call, "timeout_ms"))));
                    case "flush":
                        return Number(Native.pact_telemetry_flush(client, checked((uint)Whole(call, "timeout_ms"))));
                    case "close":
                        return Number(Native.pact_telemetry_close(client, checked((uint)Whole(call, "timeout_ms"))));
                    case "status_name":
                        return Quote(Text.Owned(Native.pact_telemetry_status_name(checked((int)Whole(call,
                            "status")))));
                    case "version":
                        return Quote(Text.Owned(Native.pact_telemetry_version()));
                    case "abi_version":
                        return Number(Native.pact_telemetry_abi_version());
                    case "setenv":
                        Environment.SetEnvironmentVariable(call.Text("name"), call.Text("value"));
                        return "0";
                    default:
                        return Quote("unsupported");
                }
            }
            catch (Exception error) when (error is OverflowException || error is FormatException
                || error is NotSupportedException)
            {
                return Quote("unsupported");
            }
        }

        private static string Event(IntPtr client, XElement call)
        {
            long value = call.Text("value") == null ? 0 : Whole(call, "value");
            byte[] name = Bytes(call.Element("event")), category = Bytes(call.Element("category"));
            byte[] action = Bytes(call.Element("action")), plugin = Bytes(call.Element("plugin_name"));
            byte[] version = Bytes(call.Element("plugin_version"));
            if (call.Text("call") == "track")
            {
                fixed (byte* e = name, c = category, a = action, n = plugin, v = version)
                {
                    return Number(Native.pact_telemetry_track(client, e, c, a, value, n, v));
                }
            }
            return Read(call, (start, size) =>
            {
                fixed (byte* e = name, c = category, a = action, n = plugin, v = version)
                {
                    return Native.pact_telemetry_preview(client, e, c, a, value, n, v, start, size);
                }
            });
        }

        private static string Read(XElement call, Text.Writer write)
        {
            int capacity = call.Text("capacity") == null ? 65536 : (int)Whole(call, "capacity");
            byte[] buffer = new byte[capacity];
            fixed (byte* start = buffer) // null for an empty one
            {
                int status = write(start, (uint)capacity);
                return status < 0 ? Number(status) : Quote(capacity == 0 ? "" : Text.Owned(start));
            }
        }

        /// <summary>The bytes as they were given, without the binding's own checks of text.</summary>
        private static byte[] Bytes(XElement given)
        {
            if (given == null || (string)given.Attribute("type") == "null")
            {
                return null;
            }
            if ((string)given.Attribute("type") == "object")
            {
                string hex = given.Text("hex");
                byte[] bytes = Enumerable.Range(0, hex.Length / 2).Select(i => Convert.ToByte(hex.Substring(2 * i, 2),
                    16)).ToArray();
                return Terminated(bytes);
            }
            return Terminated(new UTF8Encoding(false).GetBytes(given.Value));
        }

        private static byte[] Terminated(byte[] bytes)
        {
            if (bytes.Contains((byte)0))
            {
                throw new NotSupportedException(); // C takes it for the end of the text
            }
            return bytes.Concat(new byte[] { 0 }).ToArray();
        }

        private static long Whole(XElement call, string name) => long.Parse(call.Text(name) ?? "",
            CultureInfo.InvariantCulture);

        private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

        private static string Quote(string text) => Json.Quote(text);
    }
}
