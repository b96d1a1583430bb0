'use strict';

// What the JavaScript runtime knows and the library cannot see: its opt-outs, its name and version, its test framework.
// Only looks; loads and starts nothing, and never throws. Private.

const { readFileSync } = require('node:fs');
const path = require('node:path');
const { Serializer } = require('node:v8');
const { isMainThread } = require('node:worker_threads');

const VARIABLES = /** @type {const} */ (['PACT_DO_NOT_TRACK', 'pact_do_not_track', 'DO_NOT_TRACK']);
const NO_OPINION = new Set(['', '0', 'false', 'no', 'off']);
const PACKAGE_KEY = 'pact_do_not_track';

/**
 * @typedef {object} Rule
 * @property {string} rule
 * @property {'off' | 'no opinion'} says
 * @property {unknown} read what was found; null for nothing
 * @property {string} [path] the file that was looked at
 */

/**
 * Deno asks the person about everything that the program was not allowed, and waits for the answer. So only what was
 * allowed before is touched. Every other runtime allows everything, or throws.
 * @param {object} permission a descriptor of Deno's
 */
function allowed(permission) {
  const { permissions } = /** @type {any} */ (globalThis).Deno ?? {};
  if (permissions === undefined) return true;
  try {
    return permissions.querySync(permission).state === 'granted';
  } catch {
    return false;
  }
}

/**
 * A variable of the environment that JavaScript sees, if it may be read.
 * @param {string} name
 */
function variable(name) {
  try {
    return allowed({ name: 'env', variable: name }) ? process.env[name] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Does this say "do not track"? The library's rule for variables.
 * @param {unknown} value
 */
function saysOff(value) {
  return value !== undefined && value !== null && !NO_OPINION.has(String(value).trim().toLowerCase());
}

/**
 * The C environment itself, which the library reads at every event; null where JavaScript has only a copy: in a worker
 * thread of Node's, in a test file of Jest's, in Bun. To V8 a copy is an object like any other, Node's own is not.
 */
const cEnvironment = (() => {
  let isNodes = false;
  class Probe extends Serializer {
    _writeHostObject() {
      isNodes = true;
    }
  }
  try {
    if (process.versions.deno) return process.env;
    if (isMainThread) new Probe().writeValue(process.env);
  } catch {
    // Something that V8 cannot even look at is not Node's.
  }
  return isNodes ? process.env : null;
})();

/**
 * The variable that said no last. It is read first: in a worker thread, each reading costs as much as half a foreign
 * call.
 * @type {{ name: string, value: string | undefined }}
 */
let lastOff = { name: VARIABLES[0], value: undefined };

/**
 * Does the environment that JavaScript sees, and only JavaScript, say no? Asked at every event: the library's own look
 * at the C environment is not repeated, because Node takes half a microsecond for it.
 */
function environmentSaysOff() {
  const env = process.env;
  if (env === cEnvironment) return false;
  if (lastOff.value !== undefined && env[lastOff.name] === lastOff.value) return true;
  for (const name of VARIABLES) {
    const value = env[name];
    if (saysOff(value)) {
      lastOff = { name, value };
      return true;
    }
  }
  return false;
}

/** @returns {Rule[]} */
function environmentRules() {
  return VARIABLES.map((name) => {
    const read = variable(name) ?? null;
    return { rule: `process.env.${name}`, says: saysOff(read) ? 'off' : 'no opinion', read };
  });
}

/**
 * `config.pact_do_not_track` of every package.json upwards, from the working directory and from where this package is
 * installed. The first that says off decides; a nearer one that says nothing, or `false`, does not turn it on again.
 * @returns {Rule}
 */
function packageRule() {
  /** @type {Rule} */
  const none = { rule: `package.json config.${PACKAGE_KEY}`, says: 'no opinion', read: null };
  /** @type {Rule | undefined} */
  let nearest;
  for (const file of new Set([...upwards(workingDirectory()), ...upwards(ownFolder())])) {
    const read = choiceIn(file);
    if (read === undefined) continue;
    if (saysOff(read)) return { ...none, says: 'off', read, path: file };
    nearest ??= { ...none, read, path: file };
  }
  return nearest ?? none;
}

/**
 * What a package.json says; undefined where there is none, or nothing of ours in it, or no JSON.
 * @param {string} file
 */
function choiceIn(file) {
  try {
    if (!allowed({ name: 'read', path: file })) return undefined;
    const text = readFileSync(file, 'utf8');
    return text.includes(PACKAGE_KEY) ? JSON.parse(text)?.config?.[PACKAGE_KEY] : undefined;
  } catch {
    return undefined;
  }
}

/** Where this package is installed; nowhere inside a bundle of ES modules. */
const ownFolder = () => (typeof __dirname === 'string' ? __dirname : undefined);

function workingDirectory() {
  try {
    return process.cwd();
  } catch {
    return undefined; // it is gone, or may not be asked for
  }
}

/**
 * The package.json of this folder and of each one above it.
 * @param {string | undefined} folder
 */
function upwards(folder) {
  const files = [];
  for (let below; folder !== undefined && folder !== below; folder = path.dirname(folder)) {
    files.push(path.join(folder, 'package.json'));
    below = folder;
  }
  return files;
}

/** Such as `Node 20.11.0`, `Bun 1.4.5`, `Deno 2.9.6`. The others name a version of Node's, too. */
function platformVersion() {
  const { bun, deno, electron, node } = process.versions;
  if (bun) return `Bun ${bun}`;
  if (deno) return `Deno ${deno}`;
  return electron ? `Electron ${electron}` : `Node ${node}`;
}

/** The test framework that runs this code, if it shows. Vitest first: it sets Jest's variable too. */
function testFramework() {
  if (variable('VITEST')) return 'Vitest';
  if (variable('JEST_WORKER_ID')) return 'Jest';
  if (runsMocha()) return 'Mocha';
  if (variable('NODE_TEST_CONTEXT')) return 'node:test';
  return undefined;
}

function runsMocha() {
  const { describe, it } = /** @type {Record<string, unknown>} */ (globalThis);
  if (typeof describe !== 'function' || typeof it !== 'function') return false;
  if (/^_?mocha(\.[cm]?js)?$/.test(path.basename(process.argv[1] ?? ''))) return true;
  return Object.keys(require.cache ?? {}).some((file) => /[\\/]node_modules[\\/]mocha[\\/]/.test(file));
}

module.exports = {
  allowed,
  environmentRules,
  environmentSaysOff,
  packageRule,
  platformVersion,
  testFramework,
  variable,
};
