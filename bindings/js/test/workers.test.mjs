import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { collect, environmentFor, run } from './support.mjs';

let collector;
let env;

beforeEach(async () => {
  collector = await collect();
  env = environmentFor(collector.url);
});
afterEach(() => collector.stop());

// A program whose workers run the code that is given to `worker`, after making a client and tracking an event.
const program = (main) => `
  const { Worker } = require('node:worker_threads');
  const { once } = require('node:events');
  const PREAMBLE = \`
    const { parentPort, threadId } = require('node:worker_threads');
    const { TelemetryClient } = require('@pact-foundation/telemetry');
    const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
    const tracked = client.pactsVerified(1);
    if (!['ok', 'queue_full'].includes(tracked)) throw new Error(tracked);
  \`;
  const worker = (code) => new Worker(PREAMBLE + code, { eval: true });
  (async () => { ${main} })();
`;

test('many workers load the library in one process, and each event arrives', async () => {
  const code = program(`
    const busy = 'client.close(5000).then((outcome) => parentPort.postMessage(outcome))';
    const workers = Array.from({ length: 12 }, () => worker(busy));
    const messages = Promise.all(workers.map(async (one) => (await once(one, 'message'))[0]));
    const exits = await Promise.all(workers.map(async (one) => (await once(one, 'exit'))[0]));
    console.log(JSON.stringify([await messages, exits]));
  `);
  const ended = await run(['-e', code], { env });
  assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, '']);
  const [messages, exits] = JSON.parse(ended.stdout);
  assert.deepEqual(new Set(messages), new Set(['ok']));
  assert.deepEqual(new Set(exits), new Set([0]));
  assert.equal((await collector.events(12)).length, 12);
});

test('workers may be terminated at any moment: right after track, in a flush, while they track', async () => {
  const code = program(`
    for (const busy of ['parentPort.postMessage(1); setInterval(() => {}, 1000)',
                        'parentPort.postMessage(1); client.flush(60000); setInterval(() => client.flush(60000), 5)',
                        'parentPort.postMessage(1); for (;;) client.mockServerStarted();']) {
      for (let i = 0; i < 4; i++) {
        const one = worker(busy);
        await once(one, 'message');
        await new Promise((resolve) => setTimeout(resolve, 5 * i));
        const start = Date.now();
        await one.terminate();
        if (Date.now() - start > 2000) console.log('late', busy);
      }
    }
    console.log('done');
  `);
  const hanging = await collect('--answers', 'hang*');
  for (const url of [collector.url, hanging.url]) {
    const ended = await run(['-e', code], { env: environmentFor(url) });
    assert.deepEqual([ended.code, ended.signal, ended.stdout, ended.stderr], [0, null, 'done\n', '']);
  }
  await hanging.stop();
});

test('the process may end while workers use the library', async () => {
  for (const [ending, expected] of [
    ['process.exit(7)', 7],
    ['throw new Error("on purpose")', 1],
  ]) {
    for (const busy of [
      'setInterval(() => client.mockServerStarted(), 0)',
      'client.flush(60000); setInterval(() => {}, 1000)',
    ]) {
      const code = program(`
        const busy = ${JSON.stringify(`parentPort.postMessage(1); ${busy}`)};
        const workers = Array.from({ length: 3 }, () => worker(busy));
        await Promise.all(workers.map((one) => once(one, 'message')));
        setTimeout(() => { ${ending} }, 20);
      `);
      const ended = await run(['-e', code], { env });
      assert.deepEqual([ended.code, ended.signal], [expected, null], `${busy}: ${ended.stderr}`);
      assert.ok(ended.milliseconds < 10_000, `${ended.milliseconds} ms`);
    }
  }
});

test('process.exit and an exception in a worker end the worker alone', async () => {
  const code = program(`
    const left = worker('process.exit(5)');
    const [exit] = await once(left, 'exit');
    const failed = worker('throw new Error("on purpose")');
    const [error] = await once(failed, 'error');
    console.log(exit, error.message);
  `);
  const ended = await run(['-e', code], { env });
  assert.deepEqual([ended.code, ended.stdout], [0, '5 on purpose\n'], ended.stderr);
});

test('the main thread can use the library after the worker that loaded it first has ended', async () => {
  const code = program(`
    await once(worker('client.close().then(() => process.exit())'), 'exit');
    const { TelemetryClient } = require('@pact-foundation/telemetry');
    const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
    console.log(client.pactsVerified(1), await client.close(5000));
  `);
  const ended = await run(['-e', code], { env });
  assert.deepEqual([ended.code, ended.stdout], [0, 'ok ok\n'], ended.stderr);
});
