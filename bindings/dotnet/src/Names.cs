namespace PactFoundation.Telemetry
{
    /// <summary>
    /// Events that the Pact libraries report. Any other event may be reported too. The names are those of
    /// include/pact_telemetry.constants.json.
    /// </summary>
    public static class EventNames
    {
        /// <summary>A run of consumer tests ended.</summary>
        public const string PactConsumerTestsRan = "Pact consumer tests ran";

        /// <summary>A provider verification ended.</summary>
        public const string PactsVerified = "Pacts verified";

        /// <summary>A plugin was loaded.</summary>
        public const string PluginLoaded = "Plugin loaded";

        /// <summary>A mock server was started.</summary>
        public const string PactMockServerStarted = "Pact mock server started";
    }

    /// <summary>Categories of events, from include/pact_telemetry.constants.json.</summary>
    public static class Categories
    {
        /// <summary>Category of what a consumer's tests do.</summary>
        public const string ConsumerTest = "ConsumerTest";

        /// <summary>Category of what a provider's tests do.</summary>
        public const string ProviderTest = "ProviderTest";

        /// <summary>Category of what plugins do.</summary>
        public const string Plugin = "Plugin";
    }

    /// <summary>Actions of events, from include/pact_telemetry.constants.json.</summary>
    public static class Actions
    {
        /// <summary>Action: a run ended.</summary>
        public const string Completed = "Completed";

        /// <summary>Action: a plugin was loaded.</summary>
        public const string Loaded = "Loaded";

        /// <summary>Action: a mock server was started.</summary>
        public const string MockServerStarted = "MockServerStarted";
    }

    /// <summary>Kinds of programs that report, from include/pact_telemetry.constants.json.</summary>
    public static class DataSources
    {
        /// <summary>Data source: a command line tool.</summary>
        public const string Cli = "cli";

        /// <summary>Data source: a library inside a person's tests. The default.</summary>
        public const string Client = "client";

        /// <summary>Data source: a Pact broker.</summary>
        public const string Broker = "broker";
    }
}
