import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TelemetryClient } from '@pact-foundation/telemetry';
import { collect, environmentFor, optionsFor, run } from './support.mjs';

let collector;
let options;

beforeEach(async () => {
  collector = await collect();
  options = optionsFor(collector.url);
});
afterEach(() => collector.stop());

/** Asserts that a client is closed. */
async function assertClosed(client) {
  assert.equal(client.pactsVerified(1), 'closed');
  assert.equal(client.enabled, false);
  client.enabled = true;
  client.enabled = false;
  assert.equal(await client.flush(), 'closed');
  assert.equal(client.explain().outcome, 'closed');
  assert.equal(client.explain().enabled, false);
  assert.equal(client.stats().outcome, 'closed');
  assert.equal(client.preview('a', 'b', 'c').outcome, 'closed');
  assert.equal(client.unavailableReason, null);
}

test('after close every call returns "closed"', async () => {
  const client = new TelemetryClient(options);
  client.pactsVerified(1);
  assert.equal(await client.close(), 'ok');
  await assertClosed(client);
});

test('closing twice frees once and returns the same outcome', async () => {
  const client = new TelemetryClient(options);
  client.pactsVerified(1);
  const [first, second] = await Promise.all([client.close(), client.close(0)]);
  assert.deepEqual([first, second, await client.close()], ['ok', 'ok', 'ok']);
  await assertClosed(client);
});

test('a flush returns "closed" if a close ends before it, and so does a track during the close', async () => {
  const slow = await collect('--answers', 'delay=200*');
  const client = new TelemetryClient(optionsFor(slow.url));
  client.pactsVerified(1);
  const flushed = client.flush(5_000);
  const closed = client.close(20);
  assert.equal(client.pactsVerified(1), 'closed');
  assert.equal(await closed, 'error_timeout');
  assert.equal(await flushed, 'closed');
  assert.equal((await slow.events(1)).length, 1, 'the library goes on with it');
  await slow.stop();
});

test('await using closes', async () => {
  const client = new TelemetryClient(options);
  client.pactsVerified(1);
  assert.equal(await client[Symbol.asyncDispose](), undefined);
  await assertClosed(client);
});

test('a client that is collected without a close is freed, and its event arrives', async () => {
  let freed = 0;
  const registry = new FinalizationRegistry(() => freed++);
  (() => {
    const client = new TelemetryClient(options);
    registry.register(client);
    client.track('Pacts verified', 'ProviderTest', 'dropped', 1);
  })();
  for (let i = 0; i < 200 && freed === 0; i++) {
    globalThis.gc();
    await sleep(10);
  }
  assert.equal(freed, 1);
  const events = await collector.events(1);
  assert.ok(events.some(({ fields }) => fields.action === 'dropped'));
});

test('2,000 clients, half of them never closed, do not leak memory', async () => {
  const rss = [];
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 500; i++) {
      const client = new TelemetryClient(options);
      assert.equal(client.unavailableReason, null);
      if (i % 2 === 0) await client.close();
    }
    globalThis.gc();
    await sleep(10);
    rss.push(process.memoryUsage().rss);
  }
  assert.ok(rss[3] - rss[0] < 32e6, `${rss.map((bytes) => bytes >> 20)} MiB`);
  const last = new TelemetryClient(options);
  assert.equal(last.pactsVerified(1), 'ok');
  assert.equal(await last.close(), 'ok');
});

// However a process ends, its exit code stays the same, it does not abort, and it waits no longer than the library
// does.
const PREAMBLE = `
  const { TelemetryClient } = require('@pact-foundation/telemetry');
  const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
  if (client.pactsVerified(1) !== 'ok') throw new Error(client.unavailableReason);
`;
const ENDINGS = [
  ['the end of the program', '', 0],
  ['process.exit right after track', 'process.exit(7);', 7],
  ['process.exit while a flush waits', 'client.flush(60000); setTimeout(() => process.exit(7), 50);', 7],
  ['process.exit while a close waits', 'client.close(60000); setTimeout(() => process.exit(7), 50);', 7],
  ['process.exit in an exit handler', 'process.on("exit", () => process.exit(7));', 7],
  ['an uncaught exception right after track', 'throw new TypeError("on purpose");', 1],
  ['an unhandled rejection right after track', 'Promise.reject(new TypeError("on purpose"));', 1],
  [
    'an uncaught exception while a flush waits',
    'client.flush(60000); setTimeout(() => { throw new Error("on purpose") }, 50);',
    1,
  ],
  ['process.exitCode', 'process.exitCode = 3; client.close(50);', 3],
];
for (const [name, ending, code] of ENDINGS) {
  test(`${name}: the exit code is ${code}, also if the collector hangs`, async () => {
    const hanging = await collect('--answers', 'hang*');
    const ended = await run(['-e', PREAMBLE + ending], { env: environmentFor(hanging.url) });
    await hanging.stop();
    assert.deepEqual([ended.code, ended.signal], [code, null], ended.stderr);
    assert.equal(ended.stdout, '');
    if (code !== 1) assert.equal(ended.stderr, '');
    assert.ok(ended.milliseconds < 5_000, `${ended.milliseconds} ms`);
  });
}

test('an event tracked right before process.exit arrives', async () => {
  const mine = await collect();
  const ended = await run(['-e', `${PREAMBLE} process.exit(7);`], { env: environmentFor(mine.url) });
  assert.equal(ended.code, 7, ended.stderr);
  assert.equal((await mine.events(1)).length, 1);
  await mine.stop();
});

test('a signal ends the process as it does without a client', async () => {
  const ended = await run(['-e', `${PREAMBLE} process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);`], {
    env: environmentFor(collector.url),
  });
  assert.equal(ended.signal, 'SIGTERM');
});

test('a client keeps no process alive', async () => {
  const code = `${PREAMBLE} client.flush().then(() => globalThis.kept = client);`;
  const ended = await run(['-e', code], { env: environmentFor(collector.url) });
  assert.equal(ended.code, 0, ended.stderr);
  assert.ok(ended.milliseconds < 5_000);
});
