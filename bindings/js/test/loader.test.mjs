import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { LIBRARY, PACKAGE, collect, environmentFor, run } from './support.mjs';

let folder;

before(() => (folder = mkdtempSync(path.join(tmpdir(), 'pact-telemetry-js-'))));
after(() => rmSync(folder, { recursive: true }));

const PROGRAM = `
  const { TelemetryClient } = require(process.env.SUBJECT ?? '@pact-foundation/telemetry');
  const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
  (async () => {
    const outcomes = [client.pactsVerified(1), client.enabled, client.stats().outcome, await client.flush(), await client.close()];
    console.log(JSON.stringify({ reason: client.unavailableReason, outcomes }));
  })();
`;

async function attempt(how) {
  const ended = await run(['-e', PROGRAM], how);
  assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, '']);
  return JSON.parse(ended.stdout);
}

async function assertUnavailable(library, why) {
  const { reason, outcomes } = await attempt({ library });
  assert.match(reason, why);
  assert.ok(reason.includes(library), reason);
  assert.deepEqual(outcomes, ['unavailable', false, 'unavailable', 'ok', 'ok']);
}

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const skip = hasCompiler ? false : 'there is no C compiler';

function stub(name, code) {
  const file = path.join(folder, name);
  writeFileSync(`${file}.c`, code);
  execFileSync('cc', ['-shared', '-fPIC', '-o', file, `${file}.c`]);
  return file;
}

test('a library that is missing', () =>
  assertUnavailable(path.join(folder, 'no.so'), /cannot be loaded: .*No such file/));

test('a file that is no library', async () => {
  const file = path.join(folder, 'text.so');
  writeFileSync(file, 'This is no library.');
  await assertUnavailable(file, /cannot be loaded/);
  writeFileSync(file, '');
  await assertUnavailable(file, /cannot be loaded/);
});

test('a folder', () => assertUnavailable(folder, /cannot be loaded/));

test('a library for another machine', async () => {
  const bytes = readFileSync(LIBRARY);
  bytes.writeUInt16LE(bytes.readUInt16LE(18) === 0xf3 ? 0x3e : 0xf3, 18); // e_machine: RISC-V, or x86-64 there
  const file = path.join(folder, 'other.so');
  writeFileSync(file, bytes);
  await assertUnavailable(file, /cannot be loaded/);
});

test('a library of another ABI', { skip }, () =>
  assertUnavailable(
    stub('abi2.so', '#include <stdint.h>\nuint32_t pact_telemetry_abi_version(void) { return 2; }\n'),
    /has ABI version 2, needed is 1/,
  ),
);

test('a library that lacks a function', { skip }, () =>
  assertUnavailable(
    stub('lacks.so', '#include <stdint.h>\nuint32_t pact_telemetry_abi_version(void) { return 1; }\n'),
    /cannot be loaded: .*pact_telemetry_/,
  ),
);

test('a library of something else', { skip }, () =>
  assertUnavailable(stub('else.so', 'int something(void) { return 1; }\n'), /pact_telemetry_abi_version/),
);

test('the packed package holds what it needs, and loads the library that is bundled with it', async () => {
  const unpacked = path.join(folder, 'package');
  const native = path.join(unpacked, 'native', `${process.platform}-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}`);
  // A copy to pack: the source tree has no library.
  const copy = path.join(folder, 'copy');
  for (const part of ['package.json', 'lib', 'README.md', '.gitignore']) {
    cpSync(path.join(PACKAGE, part), path.join(copy, part), { recursive: true });
  }
  const bundled = path.join(copy, path.relative(unpacked, native), 'libpact_telemetry.so');
  mkdirSync(path.dirname(bundled), { recursive: true });
  cpSync(LIBRARY, bundled, { dereference: true });
  const pack = ['pack', '--silent', '--pack-destination', folder];
  const archive = execFileSync('npm', pack, {
    cwd: copy,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
  execFileSync('tar', ['-xf', path.join(folder, archive), '-C', folder]);
  const files = execFileSync('tar', ['-tf', path.join(folder, archive)], { encoding: 'utf8' })
    .trim()
    .split('\n');
  assert.deepEqual(
    files
      .filter((file) => !file.startsWith('package/lib/'))
      .map((file) => file.slice('package/'.length))
      .sort(),
    ['README.md', path.relative(unpacked, path.join(native, 'libpact_telemetry.so')), 'package.json'].sort(),
  );

  const modules = path.join(folder, 'node_modules');
  mkdirSync(path.join(modules, '@pact-foundation'), { recursive: true });
  symlinkSync(unpacked, path.join(modules, '@pact-foundation/telemetry'));
  for (const dependency of ['koffi', '@koromix']) {
    cpSync(path.join(PACKAGE, 'node_modules', dependency), path.join(modules, dependency), { recursive: true });
  }
  const collector = await collect();
  const how = { cwd: folder, library: '', env: environmentFor(collector.url) };
  const { reason, outcomes } = await attempt(how);
  assert.deepEqual([reason, outcomes], [null, ['ok', true, null, 'ok', 'ok']]);

  const both = `
    import { createRequire } from 'node:module';
    import * as esm from '@pact-foundation/telemetry';
    const cjs = createRequire(process.cwd() + '/x.js')('@pact-foundation/telemetry');
    console.log(esm.TelemetryClient === cjs.TelemetryClient, Object.keys(esm), Object.keys(cjs));
  `;
  const ended = await run(['--input-type=module', '-e', both], how);
  assert.equal(ended.stdout, "true [ 'TelemetryClient' ] [ 'TelemetryClient' ]\n", ended.stderr);

  // A bundled file that does not load does not keep the system's library from being tried.
  writeFileSync(path.join(native, 'libpact_telemetry.so'), 'damaged');
  const damaged = await attempt(how);
  assert.match(damaged.reason, /native.*cannot be loaded.*; libpact_telemetry\.so\.1 cannot be loaded/);
  rmSync(path.join(native, 'libpact_telemetry.so'));
  const missing = await attempt(how);
  assert.match(missing.reason, /^libpact_telemetry\.so\.1 cannot be loaded/);
  const system = { ...how.env, LD_LIBRARY_PATH: path.dirname(LIBRARY) };
  assert.equal((await attempt({ ...how, env: system })).reason, null);

  rmSync(path.join(modules, 'koffi'), { recursive: true });
  assert.match((await attempt(how)).reason, /^koffi cannot be loaded: Cannot find module 'koffi'/);
  await collector.stop();
});

test('importing the package loads nothing', async () => {
  const code = `
    require('@pact-foundation/telemetry');
    console.log(Object.keys(require.cache).filter((file) => file.includes('koffi')).length);
    console.log(require('node:fs').readFileSync('/proc/self/maps', 'utf8').includes('pact_telemetry'));
  `;
  const ended = await run(['-e', code]);
  assert.equal(ended.stdout, '0\nfalse\n', ended.stderr);
});
