import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { PACKAGE, collect, environmentFor, newFolder, offline, run, waiting } from './support.mjs';

const module = (file) => path.join(PACKAGE, 'node_modules', file);
const project = (name) => path.join(PACKAGE, 'test/projects', name);

/** Runs a project's tests; returns the names of the events that arrived, their frameworks, and the output. */
async function testProject(argv, cwd, count) {
  const collector = await collect();
  const ended = await run(argv, { cwd, env: environmentFor(collector.url) });
  const events = await collector.events(count);
  await collector.stop();
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stdout + ended.stderr);
  return {
    labels: events.map(({ fields }) => fields.event).sort(),
    frameworks: [...new Set(events.map(({ fields }) => fields.test_framework))],
    output: ended.stdout + ended.stderr,
  };
}

const SOME = ['Pact consumer tests ran', 'Pact mock server started', 'Pacts verified'];

for (const mode of [
  ['--runInBand', '--detectOpenHandles'],
  ['--maxWorkers=2', '--workerThreads'],
]) {
  test(`a project of Jest, ${mode.join(' ')}`, async () => {
    const jest = [module('jest/bin/jest.js'), ...mode];
    const { labels, frameworks, output } = await testProject(jest, project('jest'), 3);
    assert.deepEqual([labels, frameworks], [SOME, ['Jest']]);
    assert.doesNotMatch(output, /open handle|did not exit|failed to exit/i);
  });
}

for (const [pool, ...files] of [
  // One process after the other: an opt-out in one process discards all that waits on disk, also that of the other.
  ['forks', '--no-file-parallelism'],
  ['threads', '--maxWorkers', '2'],
]) {
  test(`a project of Vitest, pool ${pool}`, async () => {
    const vitest = [module('vitest/vitest.mjs'), 'run', '--pool', pool, ...files];
    const { labels, frameworks } = await testProject(vitest, project('vitest'), 3);
    assert.deepEqual([labels, frameworks], [SOME, ['Vitest']]);
  });
}

for (const mode of [[], ['--parallel']]) {
  test(`a project of Mocha ${mode}`, async () => {
    const mocha = [module('mocha/bin/mocha.js'), ...mode, 'telemetry.spec.cjs'];
    const { labels, frameworks } = await testProject(mocha, project('mocha'), 1);
    assert.deepEqual([labels, frameworks], [['Pact consumer tests ran'], ['Mocha']]);
  });
}

test('a project of node:test', async () => {
  const { labels, frameworks } = await testProject(['--test', 'telemetry.spec.cjs'], project('node'), 1);
  assert.deepEqual([labels, frameworks], [['Pact consumer tests ran'], ['node:test']]);
});

const VITEST = [module('vitest/vitest.mjs'), 'run'];
// If Jest finds in its cache that the tests were quick, it runs them in its own process, which the work left over would
// keep alive. So it starts with an empty cache.
const JEST = [module('jest/bin/jest.js'), '--maxWorkers=2', `--cacheDirectory=${newFolder()}`];
for (const [name, argv, folder, env] of [
  ["Vitest's default pool, with work left over,", VITEST, 'vitest-killed', { KEEP_ALIVE: '1' }],
  ["Vitest's threads", [...VITEST, '--pool', 'threads'], 'vitest-killed', {}],
  ["Jest's workers, with work left over,", JEST, 'jest-killed', { KEEP_ALIVE: '1' }],
]) {
  test(`${name} are killed after two events in each of four files: all are on disk`, async () => {
    const environment = { ...offline(), ...env };
    const ended = await run(argv, { cwd: project(folder), env: environment });
    assert.deepEqual([ended.code, ended.signal], [0, null], ended.stdout + ended.stderr);
    assert.equal(waiting(environment), 8);
  });
}

test('a plain program has no test framework', async () => {
  const code = `
    const { TelemetryClient } = require('@pact-foundation/telemetry');
    globalThis.describe = globalThis.it = () => {};
    const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
    console.log(JSON.parse(client.preview('a', 'b', 'c').body).events[0].params.test_framework);
  `;
  const ended = await run(['-e', code]);
  assert.equal(ended.stdout, 'undefined\n', ended.stderr);
});
