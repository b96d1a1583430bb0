// Not run: tsc checks that an ES module sees these types, and that they refuse what is misspelt.
import {
    ACTION_COMPLETED,
    CATEGORY_PROVIDER_TEST,
    EVENT_PACTS_VERIFIED,
    TelemetryClient,
    type Outcome,
    type Preview,
    type Stats,
    type TelemetryOptions,
} from '@pact-foundation/telemetry';

const library = { id: 'pact-js', name: 'Pact JS', version: '1.0.0' };
const options: TelemetryOptions = { library, dataSource: 'cli' };
const client = new TelemetryClient(options);
const outcome: Outcome = client.track(EVENT_PACTS_VERIFIED, CATEGORY_PROVIDER_TEST, ACTION_COMPLETED, 1n, null, '1.0');
const kept: Outcome = await client.persist(100);
const flushed: Outcome = await client.flush(100);
const stats: Stats = client.stats();
const total: number = stats.delivered + stats.unconfirmed + stats.queued + stats.spooled + stats.dropped.expired;
const preview: Preview = client.preview('Plugin loaded', 'Plugin', 'Loaded');
const reason: string | null = client.unavailableReason ?? preview.reason;
client.enabled = !client.enabled;
const due: string = client.explain().notice.text;
export const used = [
    outcome,
    kept,
    flushed,
    total,
    preview.body?.length,
    reason,
    client.explain().hostRules[0]?.says,
    due,
];

// @ts-expect-error: the name is missing
new TelemetryClient({ library: { id: 'pact-js', version: '1.0.0' } });
// @ts-expect-error: there is no such option
new TelemetryClient({ library, endpont: 'http://127.0.0.1:1' });
// @ts-expect-error: there is no such key
new TelemetryClient({ library: { ...library, nmae: 'Pact JS' } });
// @ts-expect-error: there is no such protocol
new TelemetryClient({ library, protocol: 'ga5' });
// @ts-expect-error: there is no such source of data
new TelemetryClient({ library, dataSource: 'server' });
// @ts-expect-error: there is no such way to show the notice
new TelemetryClient({ library, notice: 'stdout' });
// @ts-expect-error: a count is a number
client.pactsVerified('3');
// @ts-expect-error: there is no such outcome
if (outcome === 'okay') throw new Error();
// @ts-expect-error: there is no such outcome of a flush
if ((await client.flush()) === 'timeout') throw new Error();
// @ts-expect-error: a time-out is a number of milliseconds
await client.persist('1s');
// @ts-expect-error: there is no such counter
export const counter = client.stats().acepted;
// @ts-expect-error: there is no such reason
export const lost = client.stats().dropped.network;
// @ts-expect-error: there is no such rule
if (client.explain().hostRules[0]?.says === 'no') throw new Error();
