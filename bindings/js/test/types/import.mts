// Not run: tsc checks that an ES module sees these types.
import { TelemetryClient, type Outcome, type Stats, type TelemetryOptions } from '@pact-foundation/telemetry';

const options: TelemetryOptions = { library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' }, dataSource: 'cli' };
await using client = new TelemetryClient(options);
const outcome: Outcome = client.track('Plugin loaded', 'Plugin', 'Loaded', 1n, null, '1.0');
const flushed: Outcome = await client.flush(100);
const stats: Stats = client.stats();
const reason: string | null = client.unavailableReason;
client.enabled = !client.enabled;
console.log(outcome, flushed, stats.dropped?.network, reason, client.explain().hostRules[0]?.says);
const due: string | undefined = client.explain().notice?.text;
console.log(due);

// @ts-expect-error: the name is missing
new TelemetryClient({ library: { id: 'pact-js', version: '1.0.0' } });
// @ts-expect-error: a count is a number
client.pactsVerified('3');
