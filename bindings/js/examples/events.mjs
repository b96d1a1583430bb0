// Reports each of the four events. To see them arrive, run `pact-telemetry collect` in another window, and this program
// with PACT_TELEMETRY_NOTICE=seen PACT_TELEMETRY_ENDPOINT=<its url>.
import { TelemetryClient } from '@pact-foundation/telemetry';

const telemetry = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
if (telemetry.unavailableReason) console.log(`No telemetry: ${telemetry.unavailableReason}`);

console.log('mock server started:', telemetry.mockServerStarted());
console.log('consumer tests ran: ', telemetry.consumerTestsRan(4));
console.log('pacts verified:     ', telemetry.pactsVerified(3));
console.log('plugin loaded:      ', telemetry.pluginLoaded('csv', '0.0.6'));
console.log('why on or off:      ', telemetry.explain().rule ?? telemetry.explain().state);
console.log('closed:             ', await telemetry.close());
