// Gives `import` the same class as `require`: two copies of the package would load the library twice.
import telemetry from './index.js';

export const {
  TelemetryClient,
  EVENT_PACT_CONSUMER_TESTS_RAN,
  EVENT_PACTS_VERIFIED,
  EVENT_PLUGIN_LOADED,
  EVENT_PACT_MOCK_SERVER_STARTED,
  CATEGORY_CONSUMER_TEST,
  CATEGORY_PROVIDER_TEST,
  CATEGORY_PLUGIN,
  ACTION_COMPLETED,
  ACTION_LOADED,
  ACTION_MOCK_SERVER_STARTED,
  DATA_SOURCE_CLI,
  DATA_SOURCE_CLIENT,
  DATA_SOURCE_BROKER,
} = telemetry;
