# frozen_string_literal: true

# The names that Pact's libraries report, as in include/pact_telemetry.constants.json. Any other event may be reported
# too.
module PactTelemetry
  # A run of consumer tests ended.
  EVENT_PACT_CONSUMER_TESTS_RAN = "Pact consumer tests ran"
  # A provider verification ended.
  EVENT_PACTS_VERIFIED = "Pacts verified"
  # A plugin was loaded.
  EVENT_PLUGIN_LOADED = "Plugin loaded"
  # A mock server was started.
  EVENT_PACT_MOCK_SERVER_STARTED = "Pact mock server started"

  # Category of what a consumer's tests do.
  CATEGORY_CONSUMER_TEST = "ConsumerTest"
  # Category of what a provider's tests do.
  CATEGORY_PROVIDER_TEST = "ProviderTest"
  # Category of what plugins do.
  CATEGORY_PLUGIN = "Plugin"

  # Action: a run came to its end.
  ACTION_COMPLETED = "Completed"
  # Action: a plugin was loaded.
  ACTION_LOADED = "Loaded"
  # Action: a mock server was started.
  ACTION_MOCK_SERVER_STARTED = "MockServerStarted"

  # Data source: a command line tool.
  DATA_SOURCE_CLI = "cli"
  # Data source: a library inside a person's tests. The default.
  DATA_SOURCE_CLIENT = "client"
  # Data source: a Pact broker.
  DATA_SOURCE_BROKER = "broker"
end
