// Not run: tsc checks that the class in lib/client.js is what the types promise.
import implementation = require('../../lib/client.js');
import telemetry = require('@pact-foundation/telemetry');

const promised: typeof telemetry.TelemetryClient = implementation.TelemetryClient;
export { promised };
