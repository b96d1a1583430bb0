//! The names that Pact's libraries report: events, categories, actions, data sources. The library treats them like any
//! other name. It accepts every valid event name, so that an old library can report the new events of a newer binding.

macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: &str = $value;)+

        /// Every name of this module as (identifier, text, description), for the header and the constants file.
        pub const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $value, concat!($($doc),+)),)+];
    };
}

names! {
    /// A run of consumer tests ended. Category `ConsumerTest`, action `Completed`, value: number of interactions.
    EVENT_PACT_CONSUMER_TESTS_RAN = "Pact consumer tests ran";
    /// A provider verification ended. Category `ProviderTest`, action `Completed`, value: number of results.
    EVENT_PACTS_VERIFIED = "Pacts verified";
    /// A plugin was loaded. Category `Plugin`, action `Loaded`, value 1, with the plugin's name and version.
    EVENT_PLUGIN_LOADED = "Plugin loaded";
    /// A mock server was started. Category `ConsumerTest`, action `MockServerStarted`, value 1.
    EVENT_PACT_MOCK_SERVER_STARTED = "Pact mock server started";
    /// Category of what a consumer's tests do.
    CATEGORY_CONSUMER_TEST = "ConsumerTest";
    /// Category of what a provider's tests do.
    CATEGORY_PROVIDER_TEST = "ProviderTest";
    /// Category of what plugins do.
    CATEGORY_PLUGIN = "Plugin";
    /// Action: a run came to its end.
    ACTION_COMPLETED = "Completed";
    /// Action: a plugin was loaded.
    ACTION_LOADED = "Loaded";
    /// Action: a mock server was started.
    ACTION_MOCK_SERVER_STARTED = "MockServerStarted";
    /// Data source: a command line tool.
    DATA_SOURCE_CLI = "cli";
    /// Data source: a library inside a person's tests. The default.
    DATA_SOURCE_CLIENT = "client";
    /// Data source: a Pact broker.
    DATA_SOURCE_BROKER = "broker";
}

/// The data sources that a config may name.
pub const DATA_SOURCES: [&str; 3] = [DATA_SOURCE_CLI, DATA_SOURCE_CLIENT, DATA_SOURCE_BROKER];
