'use strict';

// The names of the events, as in include/pact_telemetry.constants.json; test/native.test.mjs compares the two. Private.

module.exports = Object.freeze({
  EVENT_PACT_CONSUMER_TESTS_RAN: 'Pact consumer tests ran',
  EVENT_PACTS_VERIFIED: 'Pacts verified',
  EVENT_PLUGIN_LOADED: 'Plugin loaded',
  EVENT_PACT_MOCK_SERVER_STARTED: 'Pact mock server started',
  CATEGORY_CONSUMER_TEST: 'ConsumerTest',
  CATEGORY_PROVIDER_TEST: 'ProviderTest',
  CATEGORY_PLUGIN: 'Plugin',
  ACTION_COMPLETED: 'Completed',
  ACTION_LOADED: 'Loaded',
  ACTION_MOCK_SERVER_STARTED: 'MockServerStarted',
  DATA_SOURCE_CLI: 'cli',
  DATA_SOURCE_CLIENT: 'client',
  DATA_SOURCE_BROKER: 'broker',
});
