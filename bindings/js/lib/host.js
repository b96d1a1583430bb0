'use strict';

// What the JavaScript host knows and the library cannot see: its opt-outs, its version, its test framework. Only looks;
// loads and starts nothing. Private.

const { readFileSync } = require('node:fs');
const path = require('node:path');
const { Serializer } = require('node:v8');
const { isMainThread } = require('node:worker_threads');

const VARIABLES = /** @type {const} */ (['PACT_DO_NOT_TRACK', 'pact_do_not_track', 'DO_NOT_TRACK']);
const NO_OPINION = new Set(['', '0', 'false', 'no', 'off']);

/**
 * @typedef {object} Rule
 * @property {string} rule
 * @property {'off' | 'no opinion'} says
 * @property {unknown} read what was found; null for nothing
 * @property {string} [path] the file that was looked at
 */

/**
 * Does this say "do not track"? The library's rule for variables.
 * @param {unknown} value
 */
function saysOff(value) {
  return value !== undefined && value !== null && !NO_OPINION.has(String(value).trim().toLowerCase());
}

/**
 * The C environment itself, which the library reads at every event; null where JavaScript has only a copy. A worker
 * thread has one, and so has a test file of Jest's. To V8 a copy is an object like any other, Node's own is not.
 */
const cEnvironment = (() => {
  let isNodes = false;
  class Probe extends Serializer {
    _writeHostObject() {
      isNodes = true;
    }
  }
  try {
    if (isMainThread) new Probe().writeValue(process.env);
  } catch {
    // Something that V8 cannot even look at is not Node's.
  }
  return isNodes ? process.env : null;
})();

/**
 * Does the environment that JavaScript sees, and only JavaScript, say no? Asked at every event: the library's own look
 * at the C environment is not repeated, because Node takes half a microsecond for it.
 */
function environmentSaysOff() {
  const env = process.env;
  if (env === cEnvironment) return false;
  return saysOff(env.PACT_DO_NOT_TRACK) || saysOff(env.pact_do_not_track) || saysOff(env.DO_NOT_TRACK);
}

/** @returns {Rule[]} */
function environmentRules() {
  return VARIABLES.map((name) => {
    const read = process.env[name] ?? null;
    return { rule: `process.env.${name}`, says: saysOff(read) ? 'off' : 'no opinion', read };
  });
}

/**
 * `config.pact_do_not_track` of the nearest package.json, from the working directory upwards.
 * @returns {Rule}
 */
function packageRule() {
  /** @type {Rule} */
  const none = { rule: 'package.json config.pact_do_not_track', says: 'no opinion', read: null };
  try {
    for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
      const file = path.join(folder, 'package.json');
      const text = readIfThere(file);
      if (text !== undefined) {
        const read = JSON.parse(text)?.config?.pact_do_not_track ?? null;
        return { ...none, says: saysOff(read) ? 'off' : 'no opinion', read, path: file };
      }
      if (folder === path.dirname(folder)) return none;
    }
  } catch {
    // A folder that is gone, or a file that is no JSON: nobody chose anything there.
    return none;
  }
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Such as `Node 20.11.0`. */
function platformVersion() {
  return `Node ${process.versions.node}`;
}

/** The test framework that runs this code, if it shows. Vitest first: it sets Jest's variable too. */
function testFramework() {
  const env = process.env;
  if (env.VITEST) return 'Vitest';
  if (env.JEST_WORKER_ID) return 'Jest';
  if (runsMocha()) return 'Mocha';
  if (env.NODE_TEST_CONTEXT) return 'node:test';
  return undefined;
}

function runsMocha() {
  const { describe, it } = /** @type {Record<string, unknown>} */ (globalThis);
  if (typeof describe !== 'function' || typeof it !== 'function') return false;
  if (/^_?mocha(\.[cm]?js)?$/.test(path.basename(process.argv[1] ?? ''))) return true;
  return Object.keys(require.cache).some((file) => /[\\/]node_modules[\\/]mocha[\\/]/.test(file));
}

module.exports = { environmentRules, environmentSaysOff, packageRule, platformVersion, testFramework };
