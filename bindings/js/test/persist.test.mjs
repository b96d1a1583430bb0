// What was tracked is on disk before the runtime ends, or when the program asks for it. Nothing waits for a server.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { TelemetryClient } from '@pact-foundation/telemetry';
import {
  TRACK_FIVE,
  collect,
  killAtExit,
  leftInTime,
  newFolder,
  newState,
  offline,
  optionsFor,
  run,
  waiting,
} from './support.mjs';

const PREAMBLE = `
  const { TelemetryClient } = require('@pact-foundation/telemetry');
  const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
  const track = (times) => Array.from({ length: times }, () => client.pactsVerified(1));
  const print = (milliseconds) => require('node:fs').writeSync(1, milliseconds + '\\n');
  const die = () => process.kill(process.pid, 'SIGKILL');
`;
const KILL_AT_EXIT = killAtExit('print');
const CHILD = `${PREAMBLE}
  let begun = performance.now();
  const printTime = () => print(performance.now() - begun);
`;

/** Runs a program that is killed in the end; returns how many events it left on disk, and what it printed. */
async function left(code, environment = offline()) {
  const ended = await run(['-e', PREAMBLE + code], { env: environment });
  assert.equal(ended.signal, 'SIGKILL', ended.stderr);
  return [waiting(environment), ended.stdout];
}

/**
 * Runs a program with children that each track this many events, print how long they waited for that, and are killed.
 * Where a disk stalls, a child waits no longer than `waitMs`. Only if it took less, its events are sure to be on disk.
 */
async function leftByChildren(code, { children, events, waitMs }) {
  const [found, printed] = await left(code);
  const times = printed.trim().split('\n').map(Number);
  assert.equal(times.length, children, printed);
  const inTime = times.filter((ms) => ms < waitMs).length;
  assert.ok(inTime > 0 && found >= inTime * events && found <= children * events, `${found} on disk: ${printed}`);
}

test('persist returns "kept" when all is on disk, while the server hangs', async () => {
  const hanging = await collect('--answers', 'hang*');
  const client = new TelemetryClient({ ...optionsFor(hanging.url), stateDir: newState() });
  assert.equal(await client.persist(), 'ok', 'nothing waits');
  for (let i = 0; i < 3; i++) client.pactsVerified(1);
  assert.equal(await client.persist(5_000), 'kept');
  assert.equal(client.stats().delivered, 0);
  assert.equal(await client.flush(20), 'error_timeout');
  client.close(0);
  await hanging.stop();
});

test('persist returns "ok" when all was delivered, "closed" after a close, "ok" without a library', async () => {
  const collector = await collect();
  const client = new TelemetryClient(optionsFor(collector.url));
  client.pactsVerified(1);
  await client.flush(5_000);
  assert.equal(await client.persist(), 'ok');
  await client.close();
  assert.equal(await client.persist(), 'closed');
  assert.equal(await new TelemetryClient({}).persist(), 'ok');
  for (const odd of [-5, NaN, Infinity, '100', null]) {
    const one = new TelemetryClient(optionsFor(collector.url));
    assert.equal(await one.persist(odd), 'ok');
    await one.close();
  }
  await collector.stop();
});

test('a process that is killed after an awaited persist has lost nothing', async () => {
  assert.deepEqual(await left('track(5); client.persist(5000).then((is) => { console.log(is); die(); });'), [
    5,
    'kept\n',
  ]);
});

const ENDINGS = {
  'the end of the program': '',
  'process.exit': 'process.exit(3);',
  'an exception': 'throw new Error("on purpose");',
  'process.exit after a client that was closed': `
    const other = new TelemetryClient({ library: { id: 'other', name: 'Other', version: '1' } });
    other.close(0).then(() => process.exit());`,
  'process.exit while a flush waits': 'client.flush(60000); setTimeout(() => process.exit(), 5);',
};
for (const [name, ending] of Object.entries(ENDINGS)) {
  test(`${name}: what was tracked is on disk before the process is gone`, async () => {
    assert.equal(await leftInTime(() => left(`${KILL_AT_EXIT} ${TRACK_FIVE} ${ending}`)), 5);
  });
}

test('a worker thread that ends by itself, or by process.exit, has its events on disk before', async () => {
  for (const ending of ['', 'process.exit(0);']) {
    const worker = JSON.stringify(`${PREAMBLE} ${KILL_AT_EXIT} ${TRACK_FIVE} ${ending}`);
    const code = `
      const { Worker } = require('node:worker_threads');
      new Worker(${worker}, { eval: true });`;
    assert.equal(await leftInTime(() => left(code)), 5, ending);
  }
});

test('after an opt-out in the copied environment of a worker nothing is left on disk', async () => {
  const worker = JSON.stringify(`${PREAMBLE} track(5); process.env.DO_NOT_TRACK = '1';`);
  const code = `
    const { Worker } = require('node:worker_threads');
    new Worker(${worker}, { eval: true }).on('exit', die);`;
  assert.equal((await left(code))[0], 0);
});

// The workers of Vitest and Jest are killed like this.
for (const [name, clock] of Object.entries({ '': '', ', also with a fake clock': 'mock.timers.enable();' })) {
  test(`a child process that is killed when it reports that it is done has its events on disk${name}`, async () => {
    const child = JSON.stringify(`${CHILD}
      const { setImmediate } = require('node:timers');
      const { mock } = require('node:test');
      ${clock}
      setImmediate(() => (begun += performance.now() - ended)); // what else the turn took
      track(5);
      const ended = performance.now();
      setImmediate(() => {
        printTime();
        process.send('done');
      });`);
    const code = `
      const children = 20;
      let killed = 0;
      for (let i = 0; i < children; i++) {
        const child = require('node:child_process').fork('-e', [${child}], { execArgv: [] });
        child.on('message', () => child.kill('SIGKILL')).on('exit', () => ++killed < children || die());
      }`;
    await leftByChildren(code, { children: 20, events: 5, waitMs: 50 });
  });
}

test('a child process that is killed in the turn in which it tracks has its first event on disk', async () => {
  const child = JSON.stringify(`${CHILD} track(1); printTime(); die();`);
  const code = `
    let left = 10;
    const next = () => {
      if (left-- === 0) die();
      require('node:child_process').fork('-e', [${child}], { execArgv: [] }).on('exit', next);
    };
    next();`;
  await leftByChildren(code, { children: 10, events: 1, waitMs: 10 });
});

test('the exit hook is one listener, however many clients and copies of the package there are', async () => {
  const code = `
    const files = Object.keys(require.cache).filter((file) => file.includes('/lib/') && !file.includes('koffi'));
    const before = process.listenerCount('exit');
    for (let i = 0; i < 20; i++) {
      for (const file of files) delete require.cache[file];
      const again = require('@pact-foundation/telemetry');
      new again.TelemetryClient({ library: { id: 'a', name: 'A', version: '1' } }).pactsVerified(1);
    }
    console.log(files.length > 5, before, process.listenerCount('exit'));
    process.on('exit', die);`;
  const [events, printed] = await left(code);
  assert.deepEqual([events, printed], [20, 'true 1 1\n']);
});

test('a client that is unavailable installs no exit hook', async () => {
  const code = `
    const { TelemetryClient } = require('@pact-foundation/telemetry');
    new TelemetryClient({});
    console.log(process.listenerCount('exit'));`;
  assert.equal((await run(['-e', code])).stdout, '0\n');
});

test('the exit takes less than a second with 4,000 events and a server that hangs', async () => {
  const hanging = await collect('--answers', 'hang*');
  const code = `${PREAMBLE} track(4000);
    process.on('exit', () => { console.log(performance.now() - begun < 1000); die(); });
    const begun = performance.now();`;
  const ended = await run(['-e', code], { env: { ...offline(), PACT_TELEMETRY_ENDPOINT: hanging.url } });
  assert.equal(ended.stdout, 'true\n');
  await hanging.stop();
});

// Stands for the library on a disk that stalls: each `persist` takes the whole time that it is given.
const STALLING = `
  #include <stdint.h>
  #include <stdlib.h>
  #include <string.h>
  #include <time.h>
  typedef void *Client;
  typedef const char *Text;
  static int32_t answer(char *out) { strcpy(out, "{}"); return 2; }
  uint32_t pact_telemetry_abi_version(void) { return 1; }
  Text pact_telemetry_version(void) { return "1.0.0"; }
  Text pact_telemetry_status_name(int32_t status) { (void)status; return "PACT_TELEMETRY_OK"; }
  Client pact_telemetry_new(Text config, char *error, uint32_t capacity) {
    (void)config, (void)error, (void)capacity;
    return malloc(1);
  }
  int32_t pact_telemetry_track(Client client, Text a, Text b, Text c, int64_t value, Text d, Text e) {
    (void)client, (void)a, (void)b, (void)c, (void)value, (void)d, (void)e;
    return 0;
  }
  int32_t pact_telemetry_set_enabled(Client client, int32_t on) { (void)client, (void)on; return 0; }
  int32_t pact_telemetry_is_enabled(Client client) { (void)client; return 1; }
  int32_t pact_telemetry_explain(Client client, char *out, uint32_t n) { (void)client, (void)n; return answer(out); }
  int32_t pact_telemetry_stats(Client client, char *out, uint32_t n) { (void)client, (void)n; return answer(out); }
  int32_t pact_telemetry_preview(Client client, Text a, Text b, Text c, int64_t value, Text d, Text e, char *out,
                                 uint32_t n) {
    (void)client, (void)a, (void)b, (void)c, (void)value, (void)d, (void)e, (void)n;
    return answer(out);
  }
  int32_t pact_telemetry_persist(Client client, uint32_t ms) {
    (void)client;
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
    return -7;
  }
  int32_t pact_telemetry_flush(Client client, uint32_t ms) { (void)client, (void)ms; return 0; }
  int32_t pact_telemetry_close(Client client, uint32_t ms) { (void)client, (void)ms; return 0; }
  void pact_telemetry_free(Client client) { free(client); }
`;
const skip = spawnSync('cc', ['--version']).status === 0 ? false : 'there is no C compiler';

test('on a disk that stalls the exit waits 50 ms, however many clients and copies there are', { skip }, async () => {
  const library = path.join(newFolder(), 'stalling.so');
  writeFileSync(`${library}.c`, STALLING);
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, `${library}.c`]);
  const code = `
    const clients = [];
    for (let copy = 0; copy < 20; copy++) {
      for (const file of Object.keys(require.cache)) if (!file.includes('koffi')) delete require.cache[file];
      const { TelemetryClient } = require('@pact-foundation/telemetry');
      for (let i = 0; i < 2; i++) clients.push(new TelemetryClient({ library: { id: 'a', name: 'A', version: '1' } }));
    }
    console.log(clients.every((client) => client.unavailableReason === null && client.pactsVerified(1) === 'ok'));
    let begun;
    process.prependListener('exit', () => (begun = performance.now()));
    process.on('exit', () => console.log(performance.now() - begun >= 40, performance.now() - begun < 1000));`;
  const ended = await run(['-e', code], { library });
  assert.equal(ended.stdout, 'true\ntrue true\n', ended.stderr);
});
