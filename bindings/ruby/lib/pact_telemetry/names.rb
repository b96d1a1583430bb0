# frozen_string_literal: true

# The names of the events of the Pact libraries, as in include/pact_telemetry.constants.json. Any other event may be
# reported too.
module PactTelemetry
  # Event: a run of consumer tests ended.
  EVENT_PACT_CONSUMER_TESTS_RAN = "Pact consumer tests ran"
  # Event: a provider verification ended.
  EVENT_PACTS_VERIFIED = "Pacts verified"
  # Event: a plugin was loaded.
  EVENT_PLUGIN_LOADED = "Plugin loaded"
  # Event: a mock server was started.
  EVENT_PACT_MOCK_SERVER_STARTED = "Pact mock server started"

  # Category: tests of a consumer.
  CATEGORY_CONSUMER_TEST = "ConsumerTest"
  # Category: tests of a provider.
  CATEGORY_PROVIDER_TEST = "ProviderTest"
  # Category: plugins.
  CATEGORY_PLUGIN = "Plugin"

  # Action: a run ended.
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
