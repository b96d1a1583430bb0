// Deno and Bun run this package unchanged, and are reported by their own names.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  LIBRARY,
  PACKAGE,
  TRACK_FIVE,
  collect,
  environmentFor,
  killAtExit,
  leftInTime,
  offline,
  waiting,
} from './support.mjs';

const { libraryFile, platformName } = createRequire(import.meta.url)('../lib/platform.js');
const MODULES = path.join(PACKAGE, 'node_modules');

/** The program in the package for this platform: npm has a package of its own for each platform. */
function find(scope, ...inside) {
  const folders = existsSync(path.join(MODULES, scope)) ? readdirSync(path.join(MODULES, scope)) : [];
  return folders.map((folder) => path.join(MODULES, scope, folder, ...inside)).find(existsSync);
}
const DENO = find('@deno', 'deno');
const BUN = find('@oven', 'bin', 'bun');
const withDeno = { skip: DENO ? false : 'npm has no Deno for this machine' };
const withBun = { skip: BUN ? false : 'npm has no Bun for this machine' };

let project;
before(() => {
  project = mkdtempSync(path.join(tmpdir(), 'pact-telemetry-js-'));
  const scope = path.join(project, 'node_modules/@pact-foundation');
  for (const part of ['package.json', 'lib']) {
    cpSync(path.join(PACKAGE, part), path.join(scope, 'telemetry', part), { recursive: true });
  }
  const native = path.join(scope, `telemetry-${platformName()}`);
  mkdirSync(native);
  writeFileSync(path.join(native, 'package.json'), '{"version": "1.0.0"}');
  cpSync(LIBRARY, path.join(native, libraryFile()), { dereference: true });
  for (const dependency of ['koffi', '@koromix']) {
    cpSync(path.join(MODULES, dependency), path.join(project, 'node_modules', dependency), { recursive: true });
  }
  writeFileSync(path.join(project, 'package.json'), '{"type": "module"}');
});
after(() => rmSync(project, { recursive: true }));

const CLIENT = `
  import { TelemetryClient } from '@pact-foundation/telemetry';
  const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
`;

/** Runs the code, with the library of the installed package; returns what it printed as JSON. */
async function printed(command, code, env = {}) {
  const file = path.join(project, 'program.js');
  writeFileSync(file, CLIENT + code);
  const inherited = { ...process.env, DENO_DIR: path.join(project, 'deno'), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  for (const name of ['PACT_TELEMETRY_LIBRARY', 'NODE_TEST_CONTEXT']) delete inherited[name];
  const child = spawn(command[0], [...command.slice(1), file], { cwd: project, env: { ...inherited, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  child.stdin.end();
  const [exit, signal] = await once(child, 'close');
  if (signal !== 'SIGKILL') assert.deepEqual([exit, signal, stderr], [0, null, '']);
  return stdout === '' ? undefined : JSON.parse(stdout);
}

const REPORTS = `
  const outcomes = [client.unavailableReason, client.pactsVerified(3), await client.close(5000)];
  console.log(JSON.stringify(outcomes));
`;
const RUNTIMES = [
  ['Deno', withDeno, [DENO, 'run', '--no-prompt', '-A'], 'Deno'],
  ['Deno, allowed to load libraries and to read', withDeno, [DENO, 'run', '--allow-ffi', '--allow-read'], 'Deno'],
  ['Bun', withBun, [BUN], 'Bun'],
];
for (const [name, options, command, known] of RUNTIMES) {
  test(`an event of ${name} arrives, with its own name and version`, options, async () => {
    const collector = await collect();
    const env = environmentFor(collector.url);
    assert.deepEqual(await printed(command, REPORTS, env), [null, 'ok', 'ok']);
    const [event] = await collector.events(1);
    await collector.stop();
    assert.match(event.fields.platform_version, new RegExp(`^${known} \\d+\\.\\d+\\.\\d+$`));
    assert.equal(event.fields.test_framework, undefined);
  });

  test(`an opt-out in the environment holds in ${name}`, options, async () => {
    const env = { ...environmentFor('http://127.0.0.1:9'), DO_NOT_TRACK: '1' };
    const code = `console.log(JSON.stringify([client.pactsVerified(1), client.enabled, client.explain().enabled]));`;
    assert.deepEqual(await printed(command, code, env), ['disabled', false, false]);
  });

  test(`what was tracked in ${name} is on disk before it ends`, options, async () => {
    const code = `
      ${killAtExit('console.log')}
      ${TRACK_FIVE}`;
    // In Deno a program needs the permission to run programs before it may send a signal.
    const more = command.includes('--allow-ffi') ? ['--allow-run'] : [];
    const left = async () => {
      const env = offline();
      const took = await printed([...command, ...more], code, env);
      return [waiting(env), took];
    };
    assert.equal(await leftInTime(left), 5);
  });
}

for (const name of ['PACT_DO_NOT_TRACK', 'pact_do_not_track', 'DO_NOT_TRACK']) {
  for (const [runtime, options, command] of [RUNTIMES[0], RUNTIMES[2]]) {
    test(`${name} set in a program of ${runtime} holds at once`, options, async () => {
      const code = `
        const outcomes = [client.pactsVerified(1)];
        process.env.${name} = '1';
        outcomes.push(client.pactsVerified(1), client.enabled);
        delete process.env.${name};
        outcomes.push(client.pactsVerified(1));
        console.log(JSON.stringify(outcomes));
        client.close(0);`;
      const env = offline();
      assert.deepEqual(await printed(command, code, env), ['ok', 'disabled', false, 'ok']);
    });
  }
}

for (const allowed of [[], ['--allow-read'], ['--allow-env'], ['--allow-read', '--allow-env'], ['--allow-ffi']]) {
  test(
    `in Deno with ${allowed.join(' ') || 'nothing allowed'} nothing throws, and the answers say why`,
    withDeno,
    async () => {
      const code = `
      const { outcome, enabled, hostRules, reason } = client.explain();
      const preview = client.preview('Pacts verified', 'ProviderTest', 'Completed');
      const outcomes = [client.pactsVerified(1), client.enabled, client.stats().outcome, preview.outcome];
      outcomes.push(await client.persist(50), await client.flush(50), await client.close(50));
      console.log(JSON.stringify({ outcome, enabled, rules: hostRules.length, reason, outcomes }));`;
      const told = await printed([DENO, 'run', '--no-prompt', ...allowed], code, environmentFor('http://127.0.0.1:9'));
      const { reason, ...others } = told;
      const outcomes = ['unavailable', false, 'unavailable', 'unavailable', 'ok', 'ok', 'ok'];
      assert.deepEqual(others, { outcome: 'unavailable', enabled: false, rules: 4, outcomes });
      assert.match(reason, allowed.includes('--allow-ffi') ? /no package for linux-x64|read access/ : /--allow-ffi/);
    },
  );
}
