'use strict';

// Finds what the JavaScript runtime knows and the library cannot see: opt-outs, name and version of the runtime, and
// the test framework. It only reads; it loads and starts nothing, and never throws. Private.

const { readFileSync, statSync } = require('node:fs');
const path = require('node:path');
const { Serializer } = require('node:v8');
const { isMainThread } = require('node:worker_threads');

const VARIABLES = /** @type {const} */ (['PACT_DO_NOT_TRACK', 'pact_do_not_track', 'DO_NOT_TRACK']);
const NO_OPINION = new Set(['', '0', 'false', 'no', 'off']);
const PACKAGE_KEY = 'pact_do_not_track';
/** No package.json is longer; a longer file of this name is not read. */
const MAX_PACKAGE_BYTES = 2 ** 24;

/**
 * @typedef {object} Rule
 * @property {string} rule
 * @property {'off' | 'no opinion'} says
 * @property {unknown} read what was found; null if there was nothing
 * @property {string} [path] the file that was read
 */

/**
 * Says whether this may be done without a question to the person. Deno asks the person for each permission that the
 * program was not given, and waits for the answer, so only what is permitted already is used. Every other runtime
 * permits everything, or throws.
 * @param {object} permission a descriptor as Deno defines it
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
 * The value of a variable in the environment that JavaScript sees; undefined if it is not set or may not be read.
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
 * Whether this value means "do not track". This is the library's own rule for variables.
 * @param {unknown} value
 */
function saysOff(value) {
  return value !== undefined && value !== null && !NO_OPINION.has(String(value).trim().toLowerCase());
}

/**
 * The C environment itself, which the library reads at every event. It is null where JavaScript has only a copy: in a
 * worker thread of Node, in a test file of Jest, and in Bun. V8 serializes a copy like any other object, but takes
 * Node's own environment for a host object.
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
    // Node's own environment can be serialized, so an object that V8 refuses to serialize is another one.
  }
  return isNodes ? process.env : null;
})();

/**
 * The variable that opted out most recently. It is read first, because in a worker thread each read costs half as much
 * as a foreign call.
 * @type {{ name: string, value: string | undefined }}
 */
let lastOff = { name: VARIABLES[0], value: undefined };

/**
 * Whether there is an opt-out in an environment that only JavaScript sees. It is asked at every event. It does not read
 * the C environment, which the library reads itself, because that costs half a microsecond in Node.
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

/**
 * What each variable says in the environment that JavaScript sees.
 * @returns {Rule[]}
 */
function environmentRules() {
  return VARIABLES.map((name) => {
    const read = variable(name) ?? null;
    return { rule: `process.env.${name}`, says: saysOff(read) ? 'off' : 'no opinion', read };
  });
}

/**
 * What `config.pact_do_not_track` says in each package.json upwards from the working directory and from where this
 * package is installed. The first file that opts out decides. A nearer file that says nothing, or `false`, does not
 * overrule it.
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
 * The value of the key in a package.json; undefined if there is no such file, or no such key in it. A pipe or a device
 * is not read, since that could take for ever.
 * @param {string} file
 */
function choiceIn(file) {
  try {
    if (!allowed({ name: 'read', path: file })) return undefined;
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found?.isFile() || found.size > MAX_PACKAGE_BYTES) return undefined;
    return choiceOf(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The value of the key in the text of a package.json. A text that names the key and is no JSON, such as one with
 * comments, which Bun accepts, is a choice that cannot be read, and so it counts as off.
 * @param {string} text
 */
function choiceOf(text) {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))?.config?.[PACKAGE_KEY]; // npm too ignores a byte order mark
  } catch {
    return text.includes(PACKAGE_KEY) ? 'no valid JSON' : undefined;
  }
}

/** The folder in which this package is installed; undefined inside a bundle of ES modules. */
const ownFolder = () => (typeof __dirname === 'string' ? __dirname : undefined);

function workingDirectory() {
  try {
    return process.cwd();
  } catch {
    return undefined; // it was removed, or may not be read
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

/** Such as `Node 20.11.0`, `Bun 1.4.5`, `Deno 2.9.6`. Node is last, because all of them give a Node version too. */
function platformVersion() {
  const { bun, deno, electron, node } = process.versions;
  if (bun) return `Bun ${bun}`;
  if (deno) return `Deno ${deno}`;
  return electron ? `Electron ${electron}` : `Node ${node}`;
}

/** The test framework that runs this code, if it can be recognised. Vitest is first: it sets Jest's variable too. */
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
