'use strict';

// Finds and loads the library, once. Returns its functions, or the reason why it cannot be loaded. Private.

const { createRequire } = require('node:module');
const path = require('node:path');
const { allowed, variable } = require('./host.js');
const { ABI_VERSION, bind, declare } = require('./native.js');
const names = require('./names.js');
const { PLATFORMS, libraryFile, platformName, systemFile } = require('./platform.js');

/**
 * @typedef {object} Loaded
 * @property {import('./native.js').Native} native
 * @property {ReadonlyMap<string, bigint>} constants addresses of C strings of the names, see `cStrings`
 * @property {unknown} library kept because koffi unloads a library that nothing refers to
 */

/**
 * The files to try, in this order, and the reasons why a usual place has none. If the environment names a path, no
 * other file is tried: whoever sets it wants exactly that file.
 * @returns {{ files: string[], reasons: string[] }}
 */
function candidates() {
  const chosen = variable('PACT_TELEMETRY_LIBRARY');
  if (chosen) return { files: [path.resolve(chosen)], reasons: [] };
  const platform = platformName();
  if (!PLATFORMS.includes(platform)) {
    return { files: [systemFile()], reasons: [`there is no package for ${platform}`] };
  }
  const name = `@pact-foundation/telemetry-${platform}`;
  try {
    // This file's own `require` is not used: a bundler would add every file that the name could stand for to the
    // bundle.
    const { resolve } = createRequire(typeof __filename === 'string' ? __filename : process.cwd() + path.sep);
    return { files: [outside(resolve(`${name}/${libraryFile()}`)), systemFile()], reasons: [] };
  } catch {
    return { files: [systemFile()], reasons: [`${name} is not installed (it is an optional dependency)`] };
  }
}

/**
 * The file to load for this one. A file inside an archive of Electron can be read but not loaded; its copy beside the
 * archive can be loaded (`asarUnpack`).
 * @param {string} file
 */
function outside(file) {
  return file.replace(/([\\/][^\\/]+\.asar)(?=[\\/])/, '$1.unpacked');
}

/**
 * Makes C strings, once, of the names that the library reads at every event: koffi would convert them at every call.
 * They are never freed and take a few hundred bytes.
 * @param {typeof import('koffi')} koffi
 */
function cStrings(koffi) {
  return new Map(
    Object.values(names).map((text) => {
      const bytes = Buffer.from(`${text}\0`);
      const address = koffi.alloc('char', bytes.length);
      new Uint8Array(koffi.view(address, bytes.length)).set(bytes);
      return [text, address];
    }),
  );
}

/** @returns {Loaded | string} */
function loadNow() {
  if (!allowed({ name: 'ffi' })) return 'Deno was not given --allow-ffi, without which no native library can be loaded';
  /** @type {string[]} */
  const reasons = [];
  try {
    const places = candidates();
    reasons.push(...places.reasons);
    const koffi = require('koffi');
    for (const file of places.files) {
      try {
        const library = koffi.load(file);
        const abi = declare(library, 'abi_version')();
        if (abi === ABI_VERSION) return { library, native: bind(library), constants: cStrings(koffi) };
        reasons.push(`${file} has ABI version ${abi}, but ${ABI_VERSION} is needed`);
      } catch (error) {
        reasons.push(`${file} cannot be loaded: ${reason(error)}`);
      }
    }
  } catch (error) {
    reasons.push(`koffi cannot be loaded: ${reason(error)}`);
  }
  return reasons.join('; ');
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message.split('\n')[0] : String(error);
}

/** @type {Loaded | string | undefined} */
let loaded;

/** The library, or the reason why it cannot be loaded. The first call searches for it. */
function load() {
  return (loaded ??= loadNow());
}

module.exports = { load, outside, reason };
