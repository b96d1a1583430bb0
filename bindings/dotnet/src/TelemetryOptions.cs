using System;
using System.Globalization;
using System.Text;

namespace PactFoundation.Telemetry
{
    /// <summary>The settings of a client. Null is the default. The library checks the values.</summary>
    public sealed class TelemetryOptions
    {
        /// <summary>Names the Pact library that reports.</summary>
        /// <param name="libraryId">Short name, such as <c>pact-net</c>.</param>
        /// <param name="libraryName">Human-readable name, such as <c>Pact .NET</c>.</param>
        /// <param name="libraryVersion">Its version.</param>
        public TelemetryOptions(string libraryId, string libraryName, string libraryVersion)
        {
            LibraryId = libraryId;
            LibraryName = libraryName;
            LibraryVersion = libraryVersion;
        }

        /// <summary>Short name of the Pact library that reports.</summary>
        public string LibraryId { get; }

        /// <summary>Human-readable name of the Pact library that reports.</summary>
        public string LibraryName { get; }

        /// <summary>Version of the Pact library that reports.</summary>
        public string LibraryVersion { get; }

        /// <summary>The program's own switch. False turns the client off; true does not overrule the person.</summary>
        public bool? Enabled { get; set; }

        /// <summary>
        /// The kind of program that reports, see <see cref="DataSources"/>. Default: a library in tests.
        /// </summary>
        public string DataSource { get; set; }

        /// <summary>Default: xUnit, NUnit or MSTest where one is loaded; "" for none.</summary>
        public string TestFramework { get; set; }

        /// <summary>Default: such as <c>.NET 8.0.1</c>; "" for none.</summary>
        public string PlatformVersion { get; set; }

        /// <summary><c>ga4</c> (the default), <c>universal-analytics</c> or <c>otlp</c>.</summary>
        public string Protocol { get; set; }

        /// <summary>URL of another destination: <c>https</c>, or <c>http</c> on this machine.</summary>
        public string Endpoint { get; set; }

        /// <summary>Credentials of a GA4 data stream, together with <see cref="ApiSecret"/>.</summary>
        public string MeasurementId { get; set; }

        /// <summary>Credentials of a GA4 data stream.</summary>
        public string ApiSecret { get; set; }

        /// <summary>Credentials of a Universal Analytics property.</summary>
        public string TrackingId { get; set; }

        /// <summary>How many events may wait in memory, 1 to 4096. Default: 4096.</summary>
        public int? QueueCapacity { get; set; }

        /// <summary>Absolute path of the folder where events wait for another attempt.</summary>
        public string StateDirectory { get; set; }

        /// <summary>
        /// The longest wait at process exit, at most 10 s, rounded up to whole milliseconds. Default: 100 ms, in CI
        /// 500 ms.
        /// </summary>
        public TimeSpan? ExitTimeout { get; set; }

        /// <summary>Who shows the notice before anything leaves the machine. <c>stderr</c>, the default: the library.
        /// <c>host</c>: the host program, which shows <see cref="Explanation.NoticeText"/> and then makes clients
        /// with <c>shown</c>.</summary>
        public string Notice { get; set; }

        /// <summary>What identifies the machine: <c>hostname</c>, the digest of its name, or <c>random</c>.</summary>
        public string Id { get; set; }

        /// <summary>The library's config, as JSON.</summary>
        internal string ToConfig()
        {
            var json = new StringBuilder("{\"library\":{");
            Add(json, "id", LibraryId);
            Add(json, "name", LibraryName);
            Add(json, "version", LibraryVersion);
            json.Append('}');
            Add(json, "enabled", Enabled);
            Add(json, "data_source", DataSource);
            Add(json, "test_framework", TestFramework ?? Runtime.TestFramework());
            Add(json, "platform_version", PlatformVersion ?? Runtime.PlatformVersion());
            Add(json, "protocol", Protocol);
            Add(json, "endpoint", Endpoint);
            Add(json, "measurement_id", MeasurementId);
            Add(json, "api_secret", ApiSecret);
            Add(json, "tracking_id", TrackingId);
            Add(json, "queue_capacity", QueueCapacity);
            Add(json, "state_dir", StateDirectory);
            Add(json, "exit_timeout_ms", ExitTimeout == null ? null : (object)Text.Milliseconds(ExitTimeout.Value));
            Add(json, "notice", Notice);
            Add(json, "id", Id);
            return json.Append('}').ToString();
        }

        private static void Add(StringBuilder json, string key, object value)
        {
            if (value == null)
            {
                return;
            }
            json.Append(json[json.Length - 1] == '{' ? "\"" : ",\"").Append(key).Append("\":");
            if (value is string)
            {
                json.Append(Json.Quote((string)value));
            }
            else
            {
                json.Append(Convert.ToString(value, CultureInfo.InvariantCulture).ToLowerInvariant());
            }
        }
    }
}
