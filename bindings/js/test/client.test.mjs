import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import path from 'node:path';
import { TelemetryClient } from '@pact-foundation/telemetry';
import { LIBRARY, collect, optionsFor } from './support.mjs';

let collector;
let options;

beforeEach(async () => {
  collector = await collect();
  options = optionsFor(collector.url);
});
afterEach(() => collector.stop());

test('the four events arrive with the identity of the library that reports them', async () => {
  const client = new TelemetryClient({ ...options, dataSource: 'cli' });
  assert.equal(client.unavailableReason, null);
  assert.equal(client.enabled, true);
  assert.equal(client.consumerTestsRan(4), 'ok');
  assert.equal(client.pactsVerified(3n), 'ok');
  assert.equal(client.pluginLoaded('csv', '0.0.1'), 'ok');
  assert.equal(client.mockServerStarted(), 'ok');
  assert.equal(client.track('Grüße', 'Plugin', 'Loaded', 0, 'only a name'), 'ok');
  assert.equal(await client.close(), 'ok');
  const events = (await collector.events(5)).map(({ fields }) => fields);
  const brief = events.map((one) => [
    one.event,
    one.category,
    one.action,
    one.value,
    one.plugin_name,
    one.plugin_version,
  ]);
  assert.deepEqual(brief, [
    ['Pact consumer tests ran', 'ConsumerTest', 'Completed', '4', undefined, undefined],
    ['Pacts verified', 'ProviderTest', 'Completed', '3', undefined, undefined],
    ['Plugin loaded', 'Plugin', 'Loaded', '1', 'csv', '0.0.1'],
    ['Pact mock server started', 'ConsumerTest', 'MockServerStarted', '1', undefined, undefined],
    ['Grüße', 'Plugin', 'Loaded', '0', 'only a name', undefined],
  ]);
  for (const fields of events) {
    assert.equal(fields.platform_version, `Node ${process.versions.node}`);
    assert.equal(fields.test_framework, 'node:test');
    assert.equal(fields.library_title, 'Pact JS');
    assert.equal(fields.data_source, 'cli');
  }
});

test('what is detected about the runtime can be overridden or left out', async () => {
  const client = new TelemetryClient({ ...options, platformVersion: 'Node 99', testFramework: null });
  const body = JSON.parse(client.preview('Pacts verified', 'ProviderTest', 'Completed').body);
  assert.equal(body.events[0].params.platform_version, 'Node 99');
  assert.equal(body.events[0].params.test_framework, undefined);
  await client.close();
});

test('track returns the name of the outcome and never throws', async () => {
  const client = new TelemetryClient(options);
  const thrower = {
    toString() {
      throw new Error('must not be asked');
    },
  };
  const outcomes = [
    ['error_null', []],
    ['error_null', [null, 'b', 'c']],
    ['error_null', [1, 'b', 'c']],
    ['error_null', [Symbol('a'), 'b', 'c']],
    ['error_null', ['a', thrower, 'c']],
    ['error_null', ['a', 'b', new String('c')]],
    ['error_empty', ['', 'b', 'c']],
    ['error_empty', ['a', ' ', 'c']],
    ['error_too_long', ['x'.repeat(5_000_000), 'b', 'c']],
    ['error_forbidden', ['see /etc/passwd', 'b', 'c']],
    ['error_forbidden', ['a\0b', 'b', 'c']],
    ['error_forbidden', ['a', 'b', 'c', 1, 'plugin\0', '1']],
    ['error_forbidden', ['a', 'b', 'c', 1, 7, '1']],
    ['error_forbidden', ['a', 'b', 'c', 1, 'name', thrower]],
    ['error_range', ['a', 'b', 'c', -1]],
    ['error_range', ['a', 'b', 'c', 1.5]],
    ['error_range', ['a', 'b', 'c', NaN]],
    ['error_range', ['a', 'b', 'c', Infinity]],
    ['error_range', ['a', 'b', 'c', 2 ** 53]],
    ['error_range', ['a', 'b', 'c', -1n]],
    ['error_range', ['a', 'b', 'c', 2n ** 63n]],
    ['error_range', ['a', 'b', 'c', '1']],
    ['error_range', ['a', 'b', 'c', null]],
    ['error_range', ['a', 'b', 'c', thrower]],
  ];
  for (const [outcome, argv] of outcomes) {
    assert.equal(client.track(...argv), outcome, `track(${argv.map((one) => typeof one)})`);
    assert.equal(client.preview(...argv).outcome, outcome);
  }
  assert.equal(client.stats().not_accepted.invalid, outcomes.length, 'each is counted by the library');
  assert.equal(client.track('lone \ud800 surrogate', 'b', 'c', 2n ** 63n - 1n), 'ok');
  assert.equal(client.pluginLoaded(), 'ok');
  assert.equal(client.pactsVerified(), 'ok', 'a missing count is 1');
  assert.equal(await client.close(), 'ok');
});

test('events beyond the capacity of the queue are refused', async () => {
  const client = new TelemetryClient({ ...options, queueCapacity: 1 });
  const outcomes = new Set(Array.from({ length: 100 }, () => client.mockServerStarted()));
  assert.deepEqual([...outcomes].sort(), ['ok', 'queue_full']);
  await client.close();
});

test('options that are wrong make a client that does nothing and says why', async () => {
  const circular = {};
  circular.self = circular;
  const wrong = [
    [undefined, /`library` is missing/],
    [null, /found null/],
    [5, /must be a JSON object/],
    [[], /found an array/],
    [{}, /`library` is missing/],
    [{ ...options, library: 5 }, /`library`/],
    [{ ...options, enabled: 'no' }, /`enabled` must be true or false/],
    [{ ...options, endpoint: 'http://example.com' }, /endpoint/],
    [{ ...options, measurementId: 5 }, /`measurement_id`/],
    [{ ...options, notice: 'never' }, /`notice` must be one of stderr, host, shown/],
    [{ ...options, id: 7 }, /`id`/],
    [{ ...options, extra: 1n }, /BigInt/],
    [circular, /circular/],
    [() => {}, /JSON object/],
    [
      {
        get library() {
          throw new Error('thrown by a getter');
        },
      },
      /thrown by a getter/,
    ],
  ];
  for (const [given, why] of wrong) {
    const client = new TelemetryClient(given);
    assert.match(client.unavailableReason, why);
    assert.equal(client.pactsVerified(1), 'unavailable');
    assert.equal(client.enabled, false);
    client.enabled = true;
    assert.equal(client.enabled, false);
    assert.equal(await client.flush(), 'ok');
    assert.equal(await client.close(), 'ok');
    for (const told of [client.explain(), client.stats(), client.preview('a', 'b', 'c')]) {
      assert.equal(told.outcome, 'unavailable');
      assert.match(told.reason, why);
    }
  }
});

test('a program that shows the notice itself finds its text, and nothing leaves before it was shown', async () => {
  const stateDir = process.env.PACT_TELEMETRY_STATE_DIR;
  process.env.PACT_TELEMETRY_STATE_DIR = path.join(stateDir, 'of somebody new');
  try {
    const client = new TelemetryClient({ ...options, notice: 'host', id: 'random' });
    const { notice, id } = client.explain();
    assert.equal(notice.shown_ms, null);
    assert.match(notice.text, /PACT_DO_NOT_TRACK/);
    assert.equal(id, 'random');
    assert.equal(client.mockServerStarted(), 'ok');
    assert.equal(await client.close(), 'kept');
    assert.equal((await collector.events()).length, 0);
  } finally {
    process.env.PACT_TELEMETRY_STATE_DIR = stateDir;
  }
});

test('an option that the library does not know is named by explain', async () => {
  const client = new TelemetryClient({ ...options, colour: 'red' });
  assert.equal(client.unavailableReason, null);
  assert.match(client.explain().diagnostics[0], /`colour` is not a known key/);
  await client.close();
});

test('answers longer than the first buffer are complete', async () => {
  const unknown = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`unknown_key_number_${i}`, 1]));
  const client = new TelemetryClient({ ...options, ...unknown });
  assert.equal(client.explain().diagnostics.length, 200);
  await client.close();
});

test('without credentials nothing is queued', async () => {
  const client = new TelemetryClient({ library: options.library });
  assert.equal(client.pactsVerified(1), 'not_configured');
  assert.equal(client.enabled, false);
  assert.equal(client.explain().state, 'not configured');
  await client.close();
});

test('flush and close report what became of the events', async () => {
  const refusing = await collect('--answers', '500*');
  const lost = new TelemetryClient(optionsFor(refusing.url));
  assert.equal(await lost.flush(), 'ok', 'nothing waits');
  lost.pactsVerified(1);
  const ended = await lost.flush(5_000);
  await refusing.stop();
  // A library that keeps on disk what could not be delivered answers `kept`.
  assert.ok(['lost', 'kept'].includes(ended), ended);
  await lost.close();

  const hanging = await collect('--answers', 'hang*');
  const waiting = new TelemetryClient(optionsFor(hanging.url));
  waiting.pactsVerified(1);
  const start = performance.now();
  assert.equal(await waiting.flush(100), 'error_timeout');
  assert.equal(await waiting.flush(0), 'error_timeout');
  assert.equal(await waiting.close(100), 'error_timeout');
  const took = performance.now() - start;
  assert.ok(took >= 200 && took < 1_000, `${took} ms`);
  await hanging.stop();
});

test('a flush waits for what was tracked before it, not for what comes after', async () => {
  const slow = await collect('--answers', 'delay=100*');
  const client = new TelemetryClient(optionsFor(slow.url));
  client.pactsVerified(1);
  let flushing = true;
  const flushed = client.flush(5_000).finally(() => (flushing = false));
  while (flushing) {
    client.mockServerStarted();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(await flushed, 'ok');
  await client.close();
  await slow.stop();
});

test('a wait blocks neither the event loop nor the threads that read files', async () => {
  const hanging = await collect('--answers', 'hang*');
  const { readFile } = await import('node:fs/promises');
  const clients = Array.from({ length: 8 }, () => new TelemetryClient(optionsFor(hanging.url)));
  clients.forEach((client) => client.pactsVerified(1));
  const closed = Promise.all(clients.map((client) => client.close(1_000)));
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 10);
  const start = performance.now();
  await readFile(LIBRARY);
  assert.ok(performance.now() - start < 500);
  assert.deepEqual(
    await closed,
    clients.map(() => 'error_timeout'),
  );
  clearInterval(ticking);
  assert.ok(ticks > 20, `${ticks} ticks`);
  await hanging.stop();
});

test('every value is accepted as a time-out', async () => {
  const client = new TelemetryClient(options);
  for (const odd of [-5, NaN, Infinity, 1e300, '100', null, {}, 0.5]) assert.equal(await client.flush(odd), 'ok');
  assert.equal(await client.close(Infinity), 'ok');
});
