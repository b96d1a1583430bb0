using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using NUnit.Framework;

namespace PactFoundation.Telemetry.Tests
{
    /// <summary>The binding matches the header, and a client says why a library cannot be used.</summary>
    [TestFixture]
    public class NativeTest
    {
        private static readonly string Header = File.ReadAllText(Path.Combine(Support.Root,
            "include/pact_telemetry.ffi.h"));

        private static readonly Dictionary<string, string> Types = new Dictionary<string, string>
        {
            ["uint32_t"] = "UInt32", ["int32_t"] = "Int32", ["int64_t"] = "Int64", ["void"] = "Void", ["constchar*"] =
                "Byte*",
            ["char*"] = "Byte*", ["PactTelemetry*"] = "IntPtr", ["constPactTelemetry*"] = "IntPtr",
        };

        [Test]
        public void Every_function_of_the_header_is_there_with_its_types()
        {
            var declared = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (Match match in Regex.Matches(Header, @"^([\w ]+?[ *]+)(pact_telemetry_\w+)\(([^)]*)\);",
                RegexOptions.Multiline))
            {
                IEnumerable<string> parameters = match.Groups[3].Value.Split(',').Select(one => one.Trim())
                    .Where(one => one != "void")
                    .Select(one => Type(Regex.Replace(one, @"\w+$", "")));
                declared[match.Groups[2].Value] = Type(match.Groups[1].Value) + "(" + string.Join(",", parameters)
                    + ")";
            }
            var ours = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (FieldInfo field in typeof(Native).GetFields(BindingFlags.Instance | BindingFlags.NonPublic))
            {
                MethodInfo invoke = field.FieldType.GetMethod("Invoke");
                ours[field.Name] = invoke.ReturnType.Name + "("
                    + string.Join(",", invoke.GetParameters().Select(parameter => parameter.ParameterType.Name)) + ")";
            }
            Assert.AreEqual(Regex.Matches(Header, @"pact_telemetry_\w+\(").Count, declared.Count,
                "a declaration was not understood");
            CollectionAssert.AreEqual(declared, ours);
        }

        [Test]
        public unsafe void Every_status_of_the_header_is_an_outcome_of_the_same_name()
        {
            Dictionary<string, int> declared = Regex.Matches(Header, @"^\s*PACT_TELEMETRY_(\w+) = (-?\d+),",
                RegexOptions.Multiline)
                .Cast<Match>().ToDictionary(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].Value));
            Outcome[] own = { Outcome.Unavailable, Outcome.Unknown, Outcome.ErrorUnknown };
            Assert.AreEqual(declared.Count, Enum.GetValues(typeof(Outcome)).Length - own.Length);
            foreach (KeyValuePair<string, int> one in declared)
            {
                Assert.AreEqual(one.Key.Replace("_", "").ToLowerInvariant(),
                    ((Outcome)one.Value).ToString().ToLowerInvariant());
                Assert.AreEqual("PACT_TELEMETRY_" + one.Key,
                    Text.Owned(Loader.Native.pact_telemetry_status_name(one.Value)));
            }
        }

        [Test]
        public void Every_name_of_the_constants_is_there()
        {
            XElement constants = Json.Parse(File.ReadAllText(Path.Combine(Support.Root,
                "include/pact_telemetry.constants.json")));
            IEnumerable<string> ours = new[] { typeof(EventNames), typeof(Categories), typeof(Actions),
                typeof(DataSources) }
                .SelectMany(names => names.GetFields()).Select(field => (string)field.GetRawConstantValue());
            CollectionAssert.AreEquivalent(constants.Elements().Select(one => one.Value), ours);
        }

        /// <summary>The keys that this binding reads. A new key of the library fails here.</summary>
        [Test]
        public unsafe void Every_key_of_the_answers_is_known()
        {
            var client = new TelemetryClient(Support.Options());
            string explained = "enabled state rule rules protocol endpoint destination configured debug ci "
                + "exit_timeout_ms queue_capacity state_dir id notice diagnostics";
            string counted = "accepted delivered unconfirmed queued spooled dropped not_accepted last_failure "
                + "left_by_others";
            Native native = client.Handle.Native;
            CollectionAssert.AreEquivalent(explained.Split(' '), Keys(native.pact_telemetry_explain, client));
            CollectionAssert.AreEquivalent(counted.Split(' '), Keys(native.pact_telemetry_stats, client));
            CollectionAssert.AreEquivalent(new Stats(Outcome.Ok, null, null).Dropped.Keys, client.Stats().Dropped.Keys);
        }

        private static unsafe IEnumerable<string> Keys(Native.TextFunction function, TelemetryClient client)
        {
            int status;
            string text = Text.Read((start, capacity) => function(client.Handle.Address, start, capacity), out status);
            return Json.Parse(text).Elements().Select(one => one.Name.LocalName).ToList();
        }

        [TestCase("/nowhere/libpact.so",
            "/nowhere/libpact.so: cannot open shared object file: No such file or directory")]
        [TestCase("", "the package carries no library for linux-x64; libpact_telemetry.so.1: cannot open shared ")]
        [TestCase("/etc/passwd", "/etc/passwd: ")]
        public void Without_a_loadable_library_the_client_does_nothing_and_says_why(string path, string reason)
        {
            if (path.Length == 0 && Platform.Rid != "linux-x64")
            {
                Assert.Ignore("NOT RUN: this is " + Platform.Rid);
            }
            StringAssert.StartsWith(reason, Silent(path));
        }

        [TestCase("int other;", "is not libpact_telemetry")]
        [TestCase("unsigned pact_telemetry_abi_version(void) { return 2; }", "has ABI version 2, not 1")]
        [TestCase("unsigned pact_telemetry_abi_version(void) { return 1; }", "has no function pact_telemetry_version")]
        public void Another_library_is_refused(string source, string reason)
        {
            WithLibrary(source, library => Assert.AreEqual(library + ": " + reason, Silent(library)));
        }

        /// <summary>A library of the same ABI with a state and statuses that this package does not know.</summary>
        private const string Newer = @"
            #include <stdio.h>
            unsigned pact_telemetry_abi_version(void) { return 1; }
            const char *pact_telemetry_version(void) { return ""1.9.0""; }
            const char *pact_telemetry_status_name(int status) { return ""PACT_TELEMETRY_NEWER""; }
            void *pact_telemetry_new(const char *config, char *error, unsigned capacity) { return error; }
            int pact_telemetry_set_enabled(void *client, int enabled) { return 0; }
            int pact_telemetry_is_enabled(void *client) { return 1; }
            int pact_telemetry_track(void *client, const char *event, const char *category, const char *action,
                long long value, const char *name, const char *version) { return value < 0 ? -9 : 7; }
            int pact_telemetry_preview(void *client, const char *event, const char *category, const char *action,
                long long value, const char *name, const char *version, char *out, unsigned capacity) { return -999; }
            int pact_telemetry_explain(void *client, char *out, unsigned capacity) {
                return snprintf(out, capacity, ""%s"", ""{\""state\"":\""paused\"",\""enabled\"":true,""
                    ""\""rules\"":[{\""rule\"":\""host\"",\""says\"":\""later\""}],\""notice\"":{}}""); }
            int pact_telemetry_stats(void *client, char *out, unsigned capacity) { return -9; }
            int pact_telemetry_persist(void *client, unsigned timeout_ms) { return 7; }
            int pact_telemetry_flush(void *client, unsigned timeout_ms) { return 999; }
            int pact_telemetry_close(void *client, unsigned timeout_ms) { return 7; }
            void pact_telemetry_free(void *client) {}";

        [Test]
        public void A_status_of_a_newer_library_is_unknown_and_claims_no_loss()
        {
            WithLibrary(Newer, library => Assert.AreEqual(
                "Unknown ErrorUnknown Unknown Unknown Unknown ErrorUnknown ErrorUnknown",
                OfNewer(library)[0]));
        }

        [Test]
        public void A_state_of_a_newer_library_is_unknown_and_the_client_works()
        {
            WithLibrary(Newer, library => Assert.AreEqual("Ok True Unknown Unknown", OfNewer(library)[1]));
        }

        private static string[] OfNewer(string library) =>
            Support.Run("mono", Support.Build + "/Program.exe newer -", Chosen(library)).Split('\n');

        private static void WithLibrary(string source, Action<string> test)
        {
            string folder = Path.Combine(Path.GetTempPath(), "pact-telemetry-" + Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(folder);
            try
            {
                File.WriteAllText(folder + "/other.c", source + "\n");
                Support.Run("cc", "-shared -fPIC -o " + folder + "/other.so " + folder + "/other.c");
                test(folder + "/other.so");
            }
            finally
            {
                Directory.Delete(folder, true);
            }
        }

        private static Dictionary<string, string> Chosen(string library) =>
            new Dictionary<string, string> { ["PACT_TELEMETRY_LIBRARY"] = library };

        /// <summary>
        /// Runs a program that calls every member without a library. Returns the reason that it prints.
        /// </summary>
        private static string Silent(string library)
        {
            string[] lines = Support.Run("mono", Support.Build + "/Program.exe silent http://127.0.0.1:9",
                Chosen(library)).Split('\n');
            Assert.AreEqual("Unavailable Ok Ok Ok False Unavailable 0 0 5 True", lines[0]);
            return lines[1];
        }

        private static string Type(string text) => Types[text.Replace(" ", "")];
    }
}
