'use strict';

// Finds and loads the library, once. Answers with its functions, or with the reason why there are none. Private.

const { existsSync } = require('node:fs');
const path = require('node:path');
const { ABI_VERSION, bind, declare } = require('./native.js');
const names = require('./names.js');

/**
 * @typedef {object} Loaded
 * @property {import('./native.js').Native} native
 * @property {ReadonlyMap<string, bigint>} constants addresses of C strings of the names, see `cStrings`
 * @property {unknown} library koffi unloads a library that nothing refers to
 */

const FILES = /** @type {Record<string, string>} */ ({
  darwin: 'libpact_telemetry.dylib',
  linux: 'libpact_telemetry.so',
  win32: 'pact_telemetry.dll',
});
const SYSTEM_FILES = /** @type {Record<string, string>} */ ({ ...FILES, linux: 'libpact_telemetry.so.1' });
const SYSTEMS = /** @type {Record<string, string>} */ ({ darwin: 'macos', win32: 'windows' });
const MACHINES = /** @type {Record<string, string>} */ ({ arm64: 'aarch64', ia32: 'x86', x64: 'x86_64' });

/** Where to look, in this order. A path in the environment is the only one then: whoever sets it means it. */
function candidates() {
  const chosen = process.env.PACT_TELEMETRY_LIBRARY;
  if (chosen) return [path.resolve(chosen)];
  const { arch, platform } = process;
  const folder = `${SYSTEMS[platform] ?? platform}-${MACHINES[arch] ?? arch}`;
  const bundled = path.join(__dirname, '..', 'native', folder, FILES[platform] ?? FILES.linux);
  const system = SYSTEM_FILES[platform] ?? FILES.linux;
  return existsSync(bundled) ? [bundled, system] : [system];
}

/**
 * Strings that the library reads at every event, as C strings made once: koffi would convert them at every call.
 * Never freed; a few hundred bytes.
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
  /** @type {string[]} */
  const reasons = [];
  try {
    const koffi = require('koffi');
    for (const file of candidates()) {
      try {
        const library = koffi.load(file);
        const abi = declare(library, 'abi_version')();
        if (abi === ABI_VERSION) return { library, native: bind(library), constants: cStrings(koffi) };
        reasons.push(`${file} has ABI version ${abi}, needed is ${ABI_VERSION}`);
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

/** The library, or the reason why there is none. Nothing is looked for before the first call. */
function load() {
  return (loaded ??= loadNow());
}

module.exports = { load, reason };
