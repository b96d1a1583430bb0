using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace PactFoundation.Telemetry
{
    /// <summary>Reads the library's answers by the JSON reader of .NET, which gives XML.</summary>
    internal static class Json
    {
        internal static XElement Parse(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            using (XmlDictionaryReader reader = JsonReaderWriterFactory.CreateJsonReader(bytes,
                XmlDictionaryReaderQuotas.Max))
            {
                return XElement.Load(reader);
            }
        }

        internal static string Quote(string text)
        {
            var json = new StringBuilder("\"");
            foreach (char letter in text)
            {
                if (letter < ' ' || letter == '"' || letter == '\\' || char.IsSurrogate(letter))
                {
                    json.Append("\\u").Append(((int)letter).ToString("x4", CultureInfo.InvariantCulture));
                }
                else
                {
                    json.Append(letter);
                }
            }
            return json.Append('"').ToString();
        }

        internal static string Text(this XElement parent, string name)
        {
            XElement found = parent?.Element(name);
            return found == null || (string)found.Attribute("type") == "null" ? null : found.Value;
        }

        internal static long Number(this XElement parent, string name)
        {
            string text = parent.Text(name);
            return text == null ? 0 : XmlConvert.ToInt64(text);
        }

        /// <summary>A number of milliseconds since 1970.</summary>
        internal static DateTimeOffset? Time(this XElement parent, string name)
        {
            string text = parent.Text(name);
            return text == null ? (DateTimeOffset?)null
                : DateTimeOffset.FromUnixTimeMilliseconds(XmlConvert.ToInt64(text));
        }

        internal static bool Flag(this XElement parent, string name) => parent.Text(name) == "true";

        /// <summary>The member of that name, without spaces and in any case; otherwise <c>other</c>.</summary>
        internal static T Member<T>(string name, T other) where T : struct
        {
            T found;
            return name != null && Enum.TryParse(name.Replace(" ", ""), true, out found) ? found : other;
        }
    }

    /// <summary>Common to all answers.</summary>
    public abstract class Answer
    {
        internal Answer(Outcome outcome, string reason)
        {
            Outcome = outcome;
            Reason = reason;
        }

        /// <summary><see cref="Outcome.Ok"/>, or why there is no answer.</summary>
        public Outcome Outcome { get; }

        /// <summary>Why there is no answer, in words; null if there is one.</summary>
        public string Reason { get; }
    }

    /// <summary>What a rule of consent read.</summary>
    public sealed class Rule
    {
        internal Rule(XElement told)
        {
            Name = told.Text("rule");
            Says = Json.Member(told.Text("says"), Says.Unknown);
            Read = told.Text("read");
            Path = told.Text("path");
        }

        /// <summary>Its name, such as <c>DO_NOT_TRACK</c> or <c>saved choice</c>.</summary>
        public string Name { get; }

        /// <summary>What it says.</summary>
        public Says Says { get; }

        /// <summary>The value that it read; null if there was none.</summary>
        public string Read { get; }

        /// <summary>The file that it read; null for a rule without a file.</summary>
        public string Path { get; }
    }

    /// <summary>
    /// Whether a client is on, and why. Without the library, what only it knows is null, false, 0 or empty.
    /// </summary>
    public sealed class Explanation : Answer
    {
        internal Explanation(Outcome outcome, string reason, XElement told)
            : base(outcome, reason)
        {
            Enabled = told.Flag("enabled");
            State = outcome == Outcome.Unavailable ? State.Unavailable : Json.Member(told.Text("state"), State.Unknown);
            DecidedBy = told.Text("rule");
            Rules = (told?.Element("rules")?.Elements() ?? new XElement[0]).Select(rule => new Rule(rule)).ToList();
            Protocol = told.Text("protocol");
            Endpoint = told.Text("endpoint");
            Destination = told.Text("destination");
            Configured = told.Flag("configured");
            Debug = told.Flag("debug");
            ContinuousIntegration = told.Flag("ci");
            ExitTimeout = TimeSpan.FromMilliseconds(told.Number("exit_timeout_ms"));
            QueueCapacity = (int)told.Number("queue_capacity");
            StateDirectory = told.Text("state_dir");
            Id = told.Text("id");
            NoticeText = told?.Element("notice").Text("text") ?? "";
            NoticeShown = told?.Element("notice").Time("shown_ms");
            HeldUntil = told?.Element("notice").Time("hold_until_ms");
            Diagnostics = (told?.Element("diagnostics")?.Elements() ?? new XElement[0])
                .Select(one => one.Value).ToList();
        }

        /// <summary>Whether an event would be queued now.</summary>
        public bool Enabled { get; }

        /// <summary>Whether the client is on.</summary>
        public State State { get; }

        /// <summary>The name of the rule that turned it off; null if none did.</summary>
        public string DecidedBy { get; }

        /// <summary>What each rule read.</summary>
        public IReadOnlyList<Rule> Rules { get; }

        /// <summary>The protocol of the requests, such as <c>ga4</c>.</summary>
        public string Protocol { get; }

        /// <summary>The URL that events would be sent to.</summary>
        public string Endpoint { get; }

        /// <summary>The digest that stands for the destination in the state folder.</summary>
        public string Destination { get; }

        /// <summary>Whether there is a destination: credentials, or an endpoint that needs none.</summary>
        public bool Configured { get; }

        /// <summary>Whether requests are printed instead of sent.</summary>
        public bool Debug { get; }

        /// <summary>Whether this process runs in CI.</summary>
        public bool ContinuousIntegration { get; }

        /// <summary>The longest wait at process exit.</summary>
        public TimeSpan ExitTimeout { get; }

        /// <summary>How many events may wait in memory.</summary>
        public int QueueCapacity { get; }

        /// <summary>The folder where events wait for another attempt.</summary>
        public string StateDirectory { get; }

        /// <summary>What identifies the machine: <c>hostname</c> or <c>random</c>.</summary>
        public string Id { get; }

        /// <summary>The text of the notice.</summary>
        public string NoticeText { get; }

        /// <summary>When the notice was shown; null if it was not shown yet.</summary>
        public DateTimeOffset? NoticeShown { get; }

        /// <summary>The time before which no event is sent, so that the person can say no, or null.</summary>
        public DateTimeOffset? HeldUntil { get; }

        /// <summary>The options that the library does not know.</summary>
        public IReadOnlyList<string> Diagnostics { get; }
    }

    /// <summary>The counters of a client in this process. Without the library all numbers are 0.</summary>
    public sealed class Stats : Answer
    {
        private static readonly string[] DropReasons =
        {
            "opted_out", "debug", "http_status", "expired", "spool_full", "no_notice", "not_persisted", "internal",
        };

        private static readonly string[] Refusals = { "disabled", "not_configured", "queue_full", "closed", "invalid" };

        internal Stats(Outcome outcome, string reason, XElement told)
            : base(outcome, reason)
        {
            Accepted = told.Number("accepted");
            Delivered = told.Number("delivered");
            Unconfirmed = told.Number("unconfirmed");
            Queued = told.Number("queued");
            Spooled = told.Number("spooled");
            Dropped = Counters(told?.Element("dropped"), DropReasons);
            NotAccepted = Counters(told?.Element("not_accepted"), Refusals);
            LastFailure = told.Text("last_failure");
            DeliveredForOthers = told?.Element("left_by_others").Number("delivered") ?? 0;
            UnconfirmedForOthers = told?.Element("left_by_others").Number("unconfirmed") ?? 0;
            DroppedForOthers = told?.Element("left_by_others").Number("dropped") ?? 0;
        }

        /// <summary>Events that <c>Track</c> accepted: <see cref="Delivered"/> + <see cref="Unconfirmed"/> +
        /// <see cref="Queued"/> + <see cref="Spooled"/> + the sum of <see cref="Dropped"/>.</summary>
        public long Accepted { get; }

        /// <summary>Events that a server has confirmed.</summary>
        public long Delivered { get; }

        /// <summary>Events that were sent, but whose answer was not received.</summary>
        public long Unconfirmed { get; }

        /// <summary>Events that wait in memory or are being sent.</summary>
        public long Queued { get; }

        /// <summary>Events that wait on disk for another attempt.</summary>
        public long Spooled { get; }

        /// <summary>Events that were dropped, by reason.</summary>
        public IReadOnlyDictionary<string, long> Dropped { get; }

        /// <summary>Calls that queued no event, by reason.</summary>
        public IReadOnlyDictionary<string, long> NotAccepted { get; }

        /// <summary>Why the last request of the process failed; null after a success.</summary>
        public string LastFailure { get; }

        /// <summary>Events of earlier processes that this one delivered.</summary>
        public long DeliveredForOthers { get; }

        /// <summary>Events of earlier processes that this one sent without receiving the answer.</summary>
        public long UnconfirmedForOthers { get; }

        /// <summary>Events of earlier processes that this one dropped.</summary>
        public long DroppedForOthers { get; }

        private static IReadOnlyDictionary<string, long> Counters(XElement told, string[] names)
        {
            Dictionary<string, long> counters = names.ToDictionary(name => name, name => 0L);
            foreach (XElement one in told?.Elements() ?? new XElement[0])
            {
                counters[one.Name.LocalName] = XmlConvert.ToInt64(one.Value);
            }
            return counters;
        }
    }

    /// <summary>The request that would carry an event alone. Its properties are null where there is none.</summary>
    public sealed class Preview : Answer
    {
        internal Preview(Outcome outcome, string reason, XElement told)
            : base(outcome, reason)
        {
            Method = told.Text("method");
            Url = told.Text("url");
            ContentType = told.Text("content_type");
            Body = told.Text("body");
        }

        /// <summary>The method of the request.</summary>
        public string Method { get; }

        /// <summary>The URL of the request.</summary>
        public string Url { get; }

        /// <summary>The type of <see cref="Body"/>.</summary>
        public string ContentType { get; }

        /// <summary>The exact text that would be sent.</summary>
        public string Body { get; }
    }
}
