import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { COMMAND, PACKAGE, collect, environmentFor, run } from './support.mjs';

let collector;
let env;
let folder;

before(() => (folder = mkdtempSync(path.join(tmpdir(), 'pact-telemetry-js-'))));
after(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  collector = await collect('--answers', 'delay=300*');
  env = environmentFor(collector.url);
});
afterEach(() => collector.stop());

const CLIENT = `
  const { TelemetryClient } = require(${JSON.stringify(PACKAGE)});
  const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
`;
const IN_A_WORKER = (code) => `
  const { Worker } = require('node:worker_threads');
  new Worker(${JSON.stringify(code)}, { eval: true });
`;
const WITH_A_COPY = (code) => `process.env = { ...process.env }; ${code}`;
const PLACES = {
  'the main thread': (code) => code,
  'a worker thread': IN_A_WORKER,
  'a copied environment': WITH_A_COPY,
};

/** What a program prints as JSON. */
async function printed(code, how) {
  const ended = await run(['-e', code], how);
  assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, '']);
  return JSON.parse(ended.stdout);
}

for (const [place, within] of Object.entries(PLACES)) {
  for (const name of ['PACT_DO_NOT_TRACK', 'pact_do_not_track', 'DO_NOT_TRACK']) {
    test(`${name} set in ${place} holds at once, also for what is queued, until it is unset`, async () => {
      const code = `${CLIENT}
        const outcomes = [client.pactsVerified(1)];
        process.env.${name} = ' Yes ';
        outcomes.push(client.pactsVerified(2), client.enabled);
        const { not_accepted } = client.stats();
        delete process.env.${name};
        outcomes.push(client.enabled, client.track('Pacts verified', 'ProviderTest', 'after', 3));
        client.close(5000).then((closed) => {
          const { delivered, dropped, unconfirmed } = client.stats();
          console.log(JSON.stringify([...outcomes, not_accepted.disabled, delivered, dropped.opted_out + unconfirmed]));
        });`;
      // The first event is discarded from the queue, or its upload is cut off: in both cases no answer is received.
      assert.deepEqual(await printed(within(code), { env }), ['ok', 'disabled', false, true, 'ok', 1, 1, 1]);
      const values = (await collector.events(1)).map(({ fields }) => fields.value);
      assert.ok(values.includes('3') && !values.includes('2'), `${values}`);
    });
  }

  test(`in ${place} the values of a variable mean the same as in the library`, async () => {
    const values = ['', ' ', '0', 'false', 'FALSE', ' no ', 'Off', '1', 'true', 'yes', 'x', 'n', '00', 'null'];
    const code = `${CLIENT}
      const enabled = ${JSON.stringify(values)}.filter((value) => {
        process.env.DO_NOT_TRACK = value;
        return client.enabled;
      });
      console.log(JSON.stringify(enabled));
      client.close();`;
    assert.deepEqual(await printed(within(code), { env }), values.slice(0, 7));
  });

  test(`in ${place} explain shows the variable and flush obeys it`, async () => {
    const code = `${CLIENT}
      client.pactsVerified(1);
      process.env.PACT_DO_NOT_TRACK = '1';
      client.flush(5000).then((flushed) => {
        const { enabled, state, hostRules } = client.explain();
        console.log(JSON.stringify([enabled, state, hostRules[0], client.stats().delivered]));
        client.close();
      });`;
    const rule = { rule: 'process.env.PACT_DO_NOT_TRACK', says: 'off', read: '1' };
    // The library sees a change of the C environment only at the next event, so on the main thread flush may deliver.
    const [enabled, state, told, delivered] = await printed(within(code), { env });
    assert.deepEqual([enabled, state, told], [false, 'disabled', rule]);
    // An upload in flight is cut off, so its answer is not received.
    if (place !== 'the main thread') assert.equal(delivered, 0);
  });
}

test('an opt-out in the memory of another variable holds at once', { skip: process.platform === 'win32' }, async () => {
  const code = `${CLIENT}
    const koffi = require(${JSON.stringify(createRequire(import.meta.url).resolve('koffi'))});
    const c = koffi.load(process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6');
    const [putenv, unsetenv] = [c.func('int putenv(void *entry)'), c.func('int unsetenv(const char *name)')];
    const entry = Buffer.alloc(32);
    const become = (text) => { entry.write(text); return client.pactsVerified(1); };
    entry.write('AA_NOT_TRACK=1');
    putenv(entry);
    const outcomes = [become('AA_NOT_TRACK=1'), become('DO_NOT_TRACK=1'), client.explain().rule];
    outcomes.push(become('AA_NOT_TRACK=1'));
    unsetenv('AA_NOT_TRACK');
    console.log(JSON.stringify(outcomes));
    client.close();`;
  assert.deepEqual(await printed(PLACES['the main thread'](code), { env }), ['ok', 'disabled', 'DO_NOT_TRACK', 'ok']);
});

test('the program cannot turn on what the person turned off', async () => {
  const code = `${CLIENT}
    process.env.DO_NOT_TRACK = '1';
    client.enabled = true;
    const outcomes = [client.pactsVerified(1)];
    client.enabled = false;
    delete process.env.DO_NOT_TRACK;
    outcomes.push(client.pactsVerified(1), client.enabled);
    client.enabled = true;
    outcomes.push(client.pactsVerified(1), client.enabled);
    console.log(JSON.stringify(outcomes));
    client.close();`;
  for (const within of Object.values(PLACES)) {
    assert.deepEqual(await printed(within(code), { env }), ['disabled', 'disabled', false, 'ok', true]);
  }
});

test('a client made with enabled: false stays off until the program turns it on', async () => {
  const code = `
    const { TelemetryClient } = require(${JSON.stringify(PACKAGE)});
    const library = { id: 'pact-js', name: 'Pact JS', version: '1.0.0' };
    const client = new TelemetryClient({ library, enabled: false });
    const outcomes = [client.pactsVerified(1)];
    process.env.DO_NOT_TRACK = '1';
    client.pactsVerified(1);
    delete process.env.DO_NOT_TRACK;
    outcomes.push(client.pactsVerified(1));
    client.enabled = true;
    outcomes.push(client.pactsVerified(1));
    console.log(JSON.stringify(outcomes));
    client.close();`;
  assert.deepEqual(await printed(IN_A_WORKER(code), { env }), ['disabled', 'disabled', 'ok']);
});

const CHOICES = [
  ['true', true, 'off'],
  ['a number', 1, 'off'],
  ['a word', 'please', 'off'],
  ['false', false, 'no opinion'],
  ['zero', 0, 'no opinion'],
  ['the word false', ' False ', 'no opinion'],
  ['nothing', '', 'no opinion'],
  ['null', null, 'no opinion'],
];
for (const [name, choice, says] of CHOICES) {
  test(`${name} as config.pact_do_not_track of the nearest package.json means ${says}`, async () => {
    const project = path.join(folder, name.replaceAll(' ', '-'));
    const cwd = path.join(project, 'src', 'deep');
    mkdirSync(cwd, { recursive: true });
    const file = path.join(project, 'package.json');
    writeFileSync(file, JSON.stringify({ name: 'x', config: { pact_do_not_track: choice } }));
    const code = `${CLIENT}
      const before = client.pactsVerified(1);
      client.enabled = true;
      console.log(JSON.stringify([before, client.pactsVerified(1), client.enabled, client.explain().hostRules.at(-1)]));
      client.close();`;
    const rule = { rule: 'package.json config.pact_do_not_track', says, read: choice, path: file };
    const outcome = says === 'off' ? 'disabled' : 'ok';
    assert.deepEqual(await printed(code, { env, cwd }), [outcome, outcome, says !== 'off', rule]);
  });
}

for (const [name, inner] of [
  ['says nothing', {}],
  ['sets the opt-out to false', { config: { pact_do_not_track: false } }],
  ['is a list', []],
]) {
  test(`an opt-out in the root of a monorepo holds where the nearest package.json ${name}`, async () => {
    const root = path.join(folder, `monorepo ${name}`);
    const cwd = path.join(root, 'packages', 'a');
    mkdirSync(cwd, { recursive: true });
    const file = path.join(root, 'package.json');
    writeFileSync(file, JSON.stringify({ private: true, config: { pact_do_not_track: true } }));
    writeFileSync(path.join(cwd, 'package.json'), JSON.stringify(inner));
    const code = `${CLIENT}
      console.log(JSON.stringify([client.pactsVerified(1), client.explain().hostRules.at(-1)]));
      client.close();`;
    const rule = { rule: 'package.json config.pact_do_not_track', says: 'off', read: true, path: file };
    assert.deepEqual(await printed(code, { env, cwd }), ['disabled', rule]);
    assert.equal((await collector.events()).length, 0);
  });
}

/** A package in a monorepo, whose root gets its package.json by `make`. Node reads the nearest one by itself. */
function monorepo(name, make) {
  const root = path.join(folder, `root with ${name}`);
  const cwd = path.join(root, 'packages', 'a');
  mkdirSync(cwd, { recursive: true });
  writeFileSync(path.join(cwd, 'package.json'), '{}');
  make(path.join(root, 'package.json'));
  return cwd;
}

const OFF = '"config": {"pact_do_not_track": true}';
for (const [name, text, read] of [
  ['a byte order mark', `\ufeff{${OFF}}`, true],
  ['an escape in the key', `{${OFF.replace('_', '\\u005f')}}`, true],
  ['a comment', `{\n// nothing leaves\n${OFF}}`, 'no valid JSON'],
  ['a trailing comma', `{${OFF},}`, 'no valid JSON'],
  ['no end', `{${OFF}`, 'no valid JSON'],
]) {
  test(`an opt-out in a package.json with ${name} holds`, async () => {
    const cwd = monorepo(name, (file) => writeFileSync(file, text));
    const code = `${CLIENT}
      console.log(JSON.stringify([client.pactsVerified(1), client.explain().hostRules.at(-1).read]));
      client.close();`;
    assert.deepEqual(await printed(code, { env, cwd }), ['disabled', read]);
  });
}

for (const [name, make] of [
  ['a pipe', (file) => execFileSync('mkfifo', [file])],
  ['a device', (file) => symlinkSync('/dev/zero', file)],
  ['a folder', (file) => mkdirSync(file)],
  ['no JSON', (file) => writeFileSync(file, '{"name": ')],
]) {
  test(`${name} in the place of a package.json stops nothing`, { skip: process.platform === 'win32' }, async () => {
    const code = `${CLIENT} console.log(JSON.stringify(client.pactsVerified(1)));`;
    assert.equal(await printed(code, { env, cwd: monorepo(name, make) }), 'ok');
  });
}

test('an opt-out of the project in which the package is installed holds in every working directory', async () => {
  const project = path.join(folder, 'installs');
  const modules = path.join(project, 'node_modules');
  cpSync(path.join(PACKAGE, 'lib'), path.join(modules, '@pact-foundation/telemetry/lib'), { recursive: true });
  writeFileSync(path.join(modules, '@pact-foundation/telemetry/package.json'), '{"main": "./lib/index.js"}');
  symlinkSync(path.join(PACKAGE, 'node_modules/koffi'), path.join(modules, 'koffi'));
  writeFileSync(path.join(project, 'package.json'), '{"config": {"pact_do_not_track": "yes"}}');
  const program = path.join(project, 'program.cjs');
  writeFileSync(
    program,
    `const { TelemetryClient } = require('@pact-foundation/telemetry');
     const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
     console.log(client.unavailableReason, client.pactsVerified(1));`,
  );
  const ended = await run([program], { env, cwd: '/' });
  assert.equal(ended.stdout, 'null disabled\n', ended.stderr);
});

test('a package.json that is not valid JSON, or has no config, does not opt out', async () => {
  for (const text of ['{', '[]', 'null', '{"config": 5}', '{"config": {}}']) {
    writeFileSync(path.join(folder, 'package.json'), text);
    const code = `process.chdir(${JSON.stringify(folder)});
      ${CLIENT} console.log(JSON.stringify(client.pactsVerified(1))); client.close();`;
    assert.equal(await printed(code, { env }), 'ok');
  }
  rmSync(path.join(folder, 'package.json'));
});

test('a process that is opted out from the start has no thread of the library and sends nothing', async () => {
  const code = `${CLIENT}
    const { readdirSync, readFileSync } = require('node:fs');
    client.pactsVerified(1);
    client.close().then(() => {
      const name = (id) => readFileSync('/proc/self/task/' + id + '/comm', 'utf8');
      const threads = readdirSync('/proc/self/task').map(name);
      console.log(JSON.stringify(threads.filter((name) => name.startsWith('pact')).length));
    });`;
  assert.equal(await printed(code, { env: { ...env, DO_NOT_TRACK: '1' } }), 0);
  const inWorker = `process.env.DO_NOT_TRACK = '1'; ${code}`;
  assert.equal(await printed(IN_A_WORKER(inWorker), { env }), 0);
  assert.equal((await collector.events()).length, 0);
});

// For each of these reasons, events are refused without a foreign call, or with one that costs less than `track`.
const REASONS = {
  'the program': ['enabled: false', '', {}, 'client.enabled = true;'],
  "the worker's environment": ['', "process.env.DO_NOT_TRACK = '1';", {}, 'delete process.env.DO_NOT_TRACK;'],
  'the environment of the process': ['', '', { DO_NOT_TRACK: '1' }, 'delete process.env.DO_NOT_TRACK;'],
  'a saved choice': ['', '', { XDG_CONFIG_HOME: path.join(tmpdir(), `pact-telemetry-js-off-${process.pid}`) }, ''],
};
for (const [place, within] of Object.entries(PLACES)) {
  for (const [name, [option, before, more, after]] of Object.entries(REASONS)) {
    test(`in ${place}, each event that ${name} has refused is counted once, also after the close`, async () => {
      const code = `${before}
        const { TelemetryClient } = require(${JSON.stringify(PACKAGE)});
        const library = { id: 'pact-js', name: 'Pact JS', version: '1.0.0' };
        const client = new TelemetryClient({ library, ${option} });
        const outcomes = [client.pactsVerified(1), client.track('My event', 'My category', 'Completed', 2)];
        const refused = () => client.stats().not_accepted;
        const counts = [refused()];
        ${after}
        outcomes.push(client.pactsVerified(3));
        counts.push(refused());
        client.close(5000).then(() => console.log(JSON.stringify([outcomes, [...counts, refused()]])));`;
      if (more.XDG_CONFIG_HOME) execFileSync(COMMAND, ['off'], { env: { ...env, ...more } });
      const [outcomes, counts] = await printed(within(code), { env: { ...env, ...more } });
      if (more.XDG_CONFIG_HOME) rmSync(more.XDG_CONFIG_HOME, { recursive: true });
      // A change in the environment of a worker never reaches the library, which reads the environment of the process.
      const stays = more.XDG_CONFIG_HOME || (more.DO_NOT_TRACK && place !== 'the main thread');
      const taken = stays ? 'disabled' : 'ok';
      assert.deepEqual(outcomes, ['disabled', 'disabled', taken]);
      const none = { closed: 0, disabled: 2, invalid: 0, not_configured: 0, queue_full: 0 };
      const later = { ...none, disabled: taken === 'ok' ? 2 : 3 };
      assert.deepEqual(counts, [none, later, later]);
    });
  }
}

test('an opt-out in the environment of a worker holds on when that of the process is gone', async () => {
  const code = `${CLIENT}
    const { parentPort } = require('node:worker_threads');
    const outcomes = [];
    const step = (change) => {
      change();
      outcomes.push(client.explain().state, client.pactsVerified(1));
    };
    parentPort.on('message', (turn) => {
      if (turn === 0) step(() => {});
      if (turn === 1) step(() => (process.env.pact_do_not_track = '1'));
      if (turn === 2) step(() => {});
      if (turn === 3) step(() => { delete process.env.pact_do_not_track; delete process.env.DO_NOT_TRACK; });
      parentPort.postMessage(outcomes);
      if (turn === 3) client.close().then(() => parentPort.close());
    });`;
  const main = `
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(${JSON.stringify(code)}, { eval: true });
    let turn = 0;
    worker.postMessage(turn);
    worker.on('message', (outcomes) => {
      if (turn === 3) return console.log(JSON.stringify(outcomes));
      if (turn === 1) delete process.env.DO_NOT_TRACK;
      worker.postMessage(++turn);
    });`;
  const off = ['disabled', 'disabled'];
  const told = await printed(main, { env: { ...env, DO_NOT_TRACK: '1' } });
  assert.deepEqual(told, [...off, ...off, ...off, 'enabled', 'ok']);
});
