// Measures what one public `track` costs, compared with a bare foreign call of the same signature and the same strings.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { TelemetryClient } from '@pact-foundation/telemetry';
import { COMMAND, pause } from '../test/support.mjs';

const require = createRequire(import.meta.url);
const { native } = require('../lib/loader.js').load();
const { STATUS } = require('../lib/native.js');
const BURST = 1_000;
const ROUNDS = 21;

const collector = spawn(COMMAND, ['collect'], { stdio: ['ignore', 'pipe', 'ignore'] });
const lines = createInterface({ input: collector.stdout });
const [first] = await once(lines, 'line');
lines.on('line', () => {});
const options = {
  library: { id: 'bench', name: 'Bench', version: '1.0.0' },
  endpoint: JSON.parse(first).url,
  measurementId: 'G-1',
  apiSecret: 's',
};
const client = new TelemetryClient(options);
const { measurementId: measurement_id, apiSecret: api_secret, ...others } = options;
const handle = native.new(JSON.stringify({ ...others, measurement_id, api_secret }), null, 0);

/** Nanoseconds of one call: the median of many bursts. The queue is emptied in between. */
async function measure(call) {
  const costs = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < BURST; i++) call();
    costs.push(Number(process.hrtime.bigint() - start) / BURST);
    await client.flush(10_000);
    // Without waiting inside the library: the collector writes what arrives into a pipe that this thread has to read.
    while (native.flush(handle, 0) === STATUS.ERROR_TIMEOUT) await pause(1);
  }
  costs.sort((a, b) => a - b);
  return costs[(ROUNDS - 1) / 2];
}

const direct = (to) => () => native.track(to, 'Pacts verified', 'ProviderTest', 'Completed', 3, null, null);
const off = new TelemetryClient({ ...options, enabled: false });
const calls = {
  bare: direct(null),
  library: direct(handle),
  public: () => client.pactsVerified(3),
  off: () => off.pactsVerified(3),
};
for (const call of Object.values(calls)) await measure(call);
const costs = {};
for (const [name, call] of Object.entries(calls)) costs[name] = Math.round(await measure(call));
console.log(`public track, accepted:             ${costs.public} ns`);
console.log(`bare foreign call, accepted:        ${costs.library} ns`);
console.log(`  the binding's own work:           ${costs.public - costs.library} ns (goal: at most 500 ns)`);
console.log(`bare foreign call, NULL client:     ${costs.bare} ns`);
console.log(`public track, turned off:           ${costs.off} ns`);
console.log(`  to a bare call that does nothing: ${(costs.off / costs.bare).toFixed(2)} (goal: at most 1.20)`);
console.log(`difference:                         ${costs.public - costs.bare} ns`);
const refused = Object.entries(client.stats().not_accepted).filter(([, count]) => count > 0);
if (refused.length > 0) console.log('not all were accepted:', refused);
await client.close();
native.free(handle);
collector.kill();
