// What the tests share: the paths of the library and the command, a real collector, and programs in processes of their
// own.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import path from 'node:path';

export const PACKAGE = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const ROOT = path.dirname(path.dirname(PACKAGE));
export const INCLUDE = path.join(ROOT, 'include');
export const LIBRARY = process.env.PACT_TELEMETRY_LIBRARY ?? path.join(ROOT, 'build/lib/libpact_telemetry.so');
export const COMMAND = process.env.PACT_TELEMETRY_COMMAND ?? path.join(ROOT, 'target/debug/pact-telemetry');
export const FIXTURES = path.join(PACKAGE, 'test/fixtures');

// Whoever runs the tests may have opted out or configured telemetry, in the environment or in files. The tests ignore
// all of it. They run as if in CI, where the exit of a process waits longer, and as if the notice was shown before.
const HOME = mkdtempSync(path.join(tmpdir(), 'pact-telemetry-home-'));
// The removal is tried again if the library writes there meanwhile.
process.once('exit', () => rmSync(HOME, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
for (const name of Object.keys(process.env)) {
  if (/^PACT_|^pact_|^DO_NOT_TRACK$|_proxy$/i.test(name)) delete process.env[name];
}
Object.assign(process.env, {
  CI: 'true',
  PACT_TELEMETRY_LIBRARY: LIBRARY,
  PACT_TELEMETRY_STATE_DIR: newState(),
  XDG_CONFIG_HOME: path.join(HOME, 'config'),
});

/**
 * A collector on this machine, and from now on a state folder of its own: the collector may get a port again for which
 * an earlier test left events.
 * @param {string[]} options of `pact-telemetry collect`
 */
export async function collect(...options) {
  process.env.PACT_TELEMETRY_STATE_DIR = newState();
  const child = spawn(COMMAND, ['collect', ...options], { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout });
  /** @type {any[]} */
  const arrived = [];
  const [first] = await once(lines, 'line');
  lines.on('line', (line) => arrived.push(JSON.parse(line)));
  // A test that fails before it stops the collector must not keep this process alive.
  child.unref();
  child.stdout.unref();
  const kill = () => child.kill();
  process.once('exit', kill);
  const { url } = JSON.parse(first);
  return {
    url,
    /** The events that have arrived; waits until there are `count`, or until the time is over. */
    async events(count = 0, within = 5_000) {
      const events = () => arrived.filter((line) => line.type === 'event');
      for (const start = Date.now(); events().length < count && Date.now() - start < within;) await pause(10);
      return events();
    },
    async stop() {
      process.off('exit', kill);
      child.ref();
      child.stdout.ref();
      child.kill();
      await once(child, 'close');
    },
  };
}

/** Options of a client that reports to this collector. */
export function optionsFor(url) {
  return {
    library: { id: 'pact-js', name: 'Pact JS', version: '1.2.3' },
    endpoint: url,
    measurementId: 'G-TEST',
    apiSecret: 'secret',
  };
}

/** The environment of a program whose clients report to this collector. */
export function environmentFor(url) {
  return {
    PACT_TELEMETRY_ENDPOINT: url,
    PACT_TELEMETRY_MEASUREMENT_ID: 'G-TEST',
    PACT_TELEMETRY_API_SECRET: 'secret',
  };
}

/**
 * Runs a program with Node and waits for its exit.
 * @param {string[]} argv
 * @param {{ env?: Record<string, string>, cwd?: string, library?: string }} [how]
 */
export async function run(argv, { env = {}, cwd = PACKAGE, library = LIBRARY } = {}) {
  const start = process.hrtime.bigint();
  const inherited = { ...process.env };
  delete inherited.NODE_TEST_CONTEXT; // or node:test would treat the program as one of its own
  const child = spawn(process.execPath, argv, {
    cwd,
    env: { ...inherited, PACT_TELEMETRY_LIBRARY: library, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000, // a program that hangs fails its test
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output.stderr += text));
  const [code, signal] = await once(child, 'close');
  return { code, signal, ...output, milliseconds: Number(process.hrtime.bigint() - start) / 1e6 };
}

/** How many events wait on disk for the next process, in the state folder of this environment. */
export function waiting(env = {}) {
  const told = execFileSync(COMMAND, ['status', '--json'], { env: { ...process.env, ...env }, encoding: 'utf8' });
  return JSON.parse(told).waiting.events;
}

/**
 * Code that kills the program when all exit hooks before it have run, so that the library's own exit handler does not.
 * Before, it prints how long these hooks took.
 * @param {string} print the function that prints a number
 */
export const killAtExit = (print) => `
  let exitBegan;
  process.prependListener('exit', () => (exitBegan = performance.now()));
  process.on('exit', () => {
    ${print}(performance.now() - exitBegan);
    process.kill(process.pid, 'SIGKILL');
  });`;

/** Code that tracks five events. The library puts the first one on disk at once, and the others after 50 ms. */
export const TRACK_FIVE = `
  client.pactsVerified(1);
  for (const end = performance.now() + 5; performance.now() < end; );
  for (let i = 0; i < 4; i++) client.pactsVerified(1);`;

/**
 * How many events a program left on disk whose exit hooks took less than the 50 ms for which they wait at most. Where
 * the disk stalls, it is run again.
 * @param {() => Promise<[number, unknown]>} attempt returns that number, and how long the hooks took
 */
export async function leftInTime(attempt) {
  for (let tries = 1; ; tries++) {
    const [events, milliseconds] = await attempt();
    if (Number(milliseconds) < 50 || tries === 10) return events;
  }
}

/** An environment with an empty state folder and no server, so that what is tracked stays on disk. */
export function offline() {
  return { ...environmentFor('http://127.0.0.1:9'), PACT_TELEMETRY_STATE_DIR: newState() };
}

/** An empty folder. */
export function newFolder() {
  return mkdtempSync(path.join(HOME, 'folder-'));
}

/** A new state folder of a person who was shown the notice. */
export function newState() {
  const folder = newFolder();
  writeFileSync(path.join(folder, 'notice.json'), '{"shown_ms":1}');
  return folder;
}

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
