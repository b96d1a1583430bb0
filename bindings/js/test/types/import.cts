// Not run: tsc checks that a CommonJS module sees these types.
import telemetry = require('@pact-foundation/telemetry');

const client: telemetry.TelemetryClient = new telemetry.TelemetryClient({
    library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' },
});
const outcome: telemetry.Outcome = client.track(telemetry.EVENT_PLUGIN_LOADED, 'Plugin', 'Loaded');
const closed: Promise<telemetry.Outcome> = client.close();
export { closed, outcome };
