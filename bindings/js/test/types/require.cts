// Not run: tsc checks that a CommonJS module sees these types.
import telemetry = require('@pact-foundation/telemetry');

const client: telemetry.TelemetryClient = new telemetry.TelemetryClient({
  library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' },
});
const closed: Promise<telemetry.Outcome> = client.close();
// tsc checks that the class in lib/client.js is what the types promise.
import implementation = require('../../lib/client.js');
const promised: typeof telemetry.TelemetryClient = implementation.TelemetryClient;
export { closed, promised };
