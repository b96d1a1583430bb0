import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import asar from '@electron/asar';
import { rolldown } from 'rolldown';
import { LIBRARY, PACKAGE, collect, environmentFor, run } from './support.mjs';

const { libcOf, libraryFile, platformName } = createRequire(import.meta.url)('../lib/platform.js');
const [PLATFORM, FILE] = [platformName(), libraryFile()];

let folder;

before(() => (folder = mkdtempSync(path.join(tmpdir(), 'pact-telemetry-js-'))));
after(() => rmSync(folder, { recursive: true }));

const PROGRAM = `
  const { TelemetryClient } = require(process.env.SUBJECT ?? '@pact-foundation/telemetry');
  const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
  (async () => {
    const outcomes = [client.pactsVerified(1), client.enabled, client.stats().outcome];
    outcomes.push(await client.flush(), await client.close());
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

// In these tests the client does nothing and says why.
test('a library that is missing', () =>
  assertUnavailable(path.join(folder, 'no.so'), /cannot be loaded: .*No such file/));

test('a file that is not a library', async () => {
  const file = path.join(folder, 'text.so');
  writeFileSync(file, 'This is not a library.');
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

test('a newer library, whose statuses are unknown here and claim nothing', { skip }, async () => {
  const code = `
    unsigned pact_telemetry_abi_version(void) { return 1; }
    const char *pact_telemetry_version(void) { return "1.9.0"; }
    const char *pact_telemetry_status_name(int status) { return "PACT_TELEMETRY_NEWER"; }
    void *pact_telemetry_new(const char *config, void *error, unsigned capacity) { return error; }
    int pact_telemetry_track() { return 7; }
    int pact_telemetry_preview() { return -9; }
    int pact_telemetry_explain() { return -9; }
    int pact_telemetry_stats() { return -9; }
    int pact_telemetry_set_enabled() { return 0; }
    int pact_telemetry_is_enabled() { return 1; }
    int pact_telemetry_persist() { return 7; }
    int pact_telemetry_flush() { return 7; }
    int pact_telemetry_close() { return 7; }
    void pact_telemetry_free(void *client) {}`;
  const { reason, outcomes } = await attempt({ library: stub('newer.so', code) });
  assert.equal(reason, null);
  assert.deepEqual(outcomes, ['unknown', true, 'error_unknown', 'ok', 'ok']);
});

test('a library of another ABI', { skip }, () =>
  assertUnavailable(
    stub('abi2.so', '#include <stdint.h>\nuint32_t pact_telemetry_abi_version(void) { return 2; }\n'),
    /has ABI version 2, but 1 is needed/,
  ),
);

test('a library that lacks a function', { skip }, () =>
  assertUnavailable(
    stub('lacks.so', '#include <stdint.h>\nuint32_t pact_telemetry_abi_version(void) { return 1; }\n'),
    /cannot be loaded: .*pact_telemetry_/,
  ),
);

test('a library of another project', { skip }, () =>
  assertUnavailable(stub('else.so', 'int something(void) { return 1; }\n'), /pact_telemetry_abi_version/),
);

/** A project in which this package is installed, with the package for this platform and koffi, as npm lays them out. */
function install(name) {
  const project = path.join(folder, name);
  const scope = path.join(project, 'node_modules/@pact-foundation');
  for (const part of ['package.json', 'lib']) {
    cpSync(path.join(PACKAGE, part), path.join(scope, 'telemetry', part), { recursive: true });
  }
  const native = path.join(scope, `telemetry-${PLATFORM}`);
  mkdirSync(native);
  writeFileSync(path.join(native, 'package.json'), '{"version": "1.0.0"}');
  cpSync(LIBRARY, path.join(native, FILE), { dereference: true });
  for (const dependency of ['koffi', '@koromix']) {
    const from = path.join(PACKAGE, 'node_modules', dependency);
    cpSync(from, path.join(project, 'node_modules', dependency), { recursive: true });
  }
  return { project, native, file: path.join(native, FILE) };
}

test('the library of the package for this platform is loaded, and import and require give the same', async () => {
  const { project, native, file } = install('installed');
  const collector = await collect();
  const how = { cwd: project, library: '', env: environmentFor(collector.url) };
  const { reason, outcomes } = await attempt(how);
  assert.deepEqual([reason, outcomes], [null, ['ok', true, 'ok', 'ok', 'ok']]);
  assert.equal((await collector.events(1)).length, 1);

  const both = `
    import { createRequire } from 'node:module';
    import * as esm from '@pact-foundation/telemetry';
    const cjs = createRequire(process.cwd() + '/x.js')('@pact-foundation/telemetry');
    const names = Object.keys(cjs).sort();
    console.log(names.every((name) => esm[name] === cjs[name]), names.length > 10);
    console.log(JSON.stringify(names) === JSON.stringify(Object.keys(esm).sort()));
  `;
  const ended = await run(['--input-type=module', '-e', both], how);
  assert.equal(ended.stdout, 'true true\ntrue\n', ended.stderr);

  // If the package's file cannot be loaded, the system's library is tried.
  writeFileSync(file, 'damaged');
  const damaged = await attempt(how);
  assert.match(damaged.reason, /telemetry-.*cannot be loaded.*; libpact_telemetry\.so\.1 cannot be loaded/);
  rmSync(native, { recursive: true });
  const missing = await attempt(how);
  assert.deepEqual(missing.outcomes, ['unavailable', false, 'unavailable', 'ok', 'ok']);
  assert.match(
    missing.reason,
    new RegExp(`^@pact-foundation/telemetry-${PLATFORM} is not installed .*libpact_telemetry`),
  );
  const system = { ...how.env, LD_LIBRARY_PATH: path.dirname(LIBRARY) };
  assert.equal((await attempt({ ...how, env: system })).reason, null);

  rmSync(path.join(project, 'node_modules/koffi'), { recursive: true });
  assert.match((await attempt(how)).reason, /; koffi cannot be loaded: Cannot find module 'koffi'/);
  await collector.stop();
});

test("in an Electron archive, the library that the README's rule unpacks beside the archive is loaded", async () => {
  const readme = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
  const rules = [...readme.match(/`asarUnpack: \[([^\]]*)\]`/)[1].matchAll(/'([^']*)'/g)].map(([, rule]) => rule);
  const { project, file } = install('electron');
  const archive = path.join(folder, 'packed', 'app.asar');
  await asar.createPackageWithOptions(project, archive, { unpack: `{${rules.join(',')}}` });
  // Without Electron, this builds what Electron shows: a folder app.asar with the archive's files, and what is beside
  // it.
  const place = path.join(folder, 'seen');
  cpSync(`${archive}.unpacked`, path.join(place, 'app.asar.unpacked'), { recursive: true });
  asar.extractAll(archive, path.join(place, 'app.asar'));
  const inside = path.join(place, 'app.asar', path.relative(project, file));
  writeFileSync(inside, 'Inside an archive it can be read, but not loaded.');
  const { reason } = await attempt({ cwd: path.join(place, 'app.asar'), library: '' });
  assert.equal(reason, null);
  for (const name of ['@koromix', `@pact-foundation/telemetry-${PLATFORM}`]) {
    assert.ok(existsSync(path.join(`${archive}.unpacked`, 'node_modules', name)), `${name} is not unpacked`);
  }
});

for (const format of ['esm', 'cjs']) {
  test(`a bundle (${format}) without the package works; one that contains it says why it does not`, async () => {
    const { project } = install(`bundled as ${format}`);
    const entry = path.join(project, 'entry.mjs');
    writeFileSync(entry, "import * as telemetry from '@pact-foundation/telemetry'; globalThis.telemetry = telemetry;");
    const bundle = async (name, external) => {
      const made = await rolldown({ input: entry, external, platform: 'node', logLevel: 'silent' });
      const file = path.join(project, `${name}.${format === 'esm' ? 'mjs' : 'cjs'}`);
      await made.write({ file, format, codeSplitting: false });
      return file;
    };
    const outside = await bundle('outside', ['@pact-foundation/telemetry', 'koffi']);
    const inside = await bundle('inside', []);
    rmSync(path.join(project, 'node_modules/@koromix'), { recursive: true }); // or the bundled koffi would find it
    const program = PROGRAM.replace(/require\(.*?\)/, 'globalThis.telemetry');
    const load = (file) => ['--input-type=module', '-e', `await import(${JSON.stringify(file)}); ${program}`];
    const ended = await run(load(inside), { cwd: folder, library: '' });
    const { reason, outcomes } = JSON.parse(ended.stdout);
    assert.match(reason, /koffi cannot be loaded/);
    assert.deepEqual(outcomes, ['unavailable', false, 'unavailable', 'ok', 'ok']);
    cpSync(path.join(PACKAGE, 'node_modules/@koromix'), path.join(project, 'node_modules/@koromix'), {
      recursive: true,
    });
    assert.equal(JSON.parse((await run(load(outside), { cwd: folder, library: '' })).stdout).reason, null);
  });
}

test('every name that is required is a literal, so that a bundler adds nothing else to a bundle', () => {
  const lib = path.join(PACKAGE, 'lib');
  for (const file of readdirSync(lib).filter((name) => name.endsWith('.js'))) {
    const required = readFileSync(path.join(lib, file), 'utf8').matchAll(/\brequire(?:\.resolve)?\(([^)]*)\)/g);
    for (const [call, name] of required) assert.match(name, /^'[^'$]+'$/, `${file}: ${call}`);
  }
});

test('on a platform without a package the client does nothing and says why', async () => {
  const { project } = install('elsewhere');
  const preload = path.join(folder, 'haiku.cjs');
  writeFileSync(preload, "Object.defineProperty(process, 'platform', { value: 'haiku' });");
  const ended = await run(['-r', preload, '-e', PROGRAM], { cwd: project, library: '' });
  const { reason, outcomes } = JSON.parse(ended.stdout);
  assert.match(reason, /^there is no package for haiku-/);
  assert.deepEqual(outcomes, ['unavailable', false, 'unavailable', 'ok', 'ok']);
});

test('the C library of a program is recognised by the loader that it names', { skip }, () => {
  writeFileSync(path.join(folder, 'empty.c'), 'int main(void) { return 0; }\n');
  const program = (name, ...options) => {
    const file = path.join(folder, name);
    execFileSync('cc', [path.join(folder, 'empty.c'), '-o', file, ...options]);
    return file;
  };
  const loader = (file) => `-Wl,--dynamic-linker=${file}`;
  assert.equal(libcOf(process.execPath), 'gnu');
  assert.equal(libcOf(program('plain')), 'gnu');
  assert.equal(libcOf(program('arm', loader('/lib/ld-linux-aarch64.so.1'))), 'gnu');
  assert.equal(libcOf(program('nix', loader(`/nix/store/${'x'.repeat(3000)}/lib/ld-linux-x86-64.so.2`))), 'gnu');
  assert.equal(libcOf(program('alpine', loader('/lib/ld-musl-x86_64.so.1'))), 'musl');
  assert.equal(libcOf(program('alpine-arm', loader('/lib/ld-musl-aarch64.so.1'))), 'musl');
  assert.equal(libcOf(program('static', '-static')), undefined);
  assert.equal(libcOf(program('other', loader('/system/bin/linker64'))), undefined);
  assert.equal(libcOf(path.join(folder, 'empty.c')), undefined);
  assert.throws(() => libcOf(path.join(folder, 'none')), /ENOENT/);
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
