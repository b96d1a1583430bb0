'use strict';

// Mirrors include/pact_telemetry.h one to one and adds nothing; test/native.test.mjs compares the two. Private.

/** @typedef {import('koffi').LibraryHandle} LibraryHandle */

/** The number of the ABI that this file was written for. */
const ABI_VERSION = 1;

/** What the functions return, without the prefix `PACT_TELEMETRY_`. */
const STATUS = Object.freeze({
  OK: 0,
  DISABLED: 1,
  NOT_CONFIGURED: 2,
  QUEUE_FULL: 3,
  CLOSED: 4,
  LOST: 5,
  KEPT: 6,
  ERROR_NULL: -1,
  ERROR_UTF8: -2,
  ERROR_EMPTY: -3,
  ERROR_TOO_LONG: -4,
  ERROR_FORBIDDEN: -5,
  ERROR_RANGE: -6,
  ERROR_TIMEOUT: -7,
  ERROR_INTERNAL: -8,
});

// Only types that koffi predefines are used, and so a client is a bare pointer. koffi refuses to define a named type
// again, and Jest evaluates this file again for every test file in one process. koffi accepts a string, null, a
// pointer, or a buffer of bytes as a `str`.
/** @type {Readonly<Record<string, readonly [result: string, parameters: readonly string[]]>>} */
const FUNCTIONS = Object.freeze({
  abi_version: ['uint32_t', []],
  version: ['str', []],
  status_name: ['str', ['int32_t']],
  new: ['void *', ['str', 'void *', 'uint32_t']],
  track: ['int32_t', ['void *', 'str', 'str', 'str', 'int64_t', 'str', 'str']],
  set_enabled: ['int32_t', ['void *', 'int32_t']],
  is_enabled: ['int32_t', ['void *']],
  explain: ['int32_t', ['void *', 'void *', 'uint32_t']],
  preview: ['int32_t', ['void *', 'str', 'str', 'str', 'int64_t', 'str', 'str', 'void *', 'uint32_t']],
  stats: ['int32_t', ['void *', 'void *', 'uint32_t']],
  persist: ['int32_t', ['void *', 'uint32_t']],
  flush: ['int32_t', ['void *', 'uint32_t']],
  close: ['int32_t', ['void *', 'uint32_t']],
  free: ['void', ['void *']],
});

/**
 * The address of a client of the library.
 * @typedef {bigint | null} Handle
 */

/**
 * A text argument: a string, the address of a C string, or bytes that end with a NUL.
 * @typedef {string | bigint | Uint8Array | null} Text
 */

/**
 * The functions of the library, without the prefix `pact_telemetry_`.
 * @typedef {object} Native
 * @property {() => number} abi_version
 * @property {() => string} version
 * @property {(status: number) => string} status_name
 * @property {(configJson: Text, error: Uint8Array | null, errorCapacity: number) => Handle} new
 * @property {(client: Handle, event: Text, category: Text, action: Text, value: number | bigint,
 *   pluginName: Text, pluginVersion: Text) => number} track
 * @property {(client: Handle, enabled: number) => number} set_enabled
 * @property {(client: Handle) => number} is_enabled
 * @property {(client: Handle, out: Uint8Array | null, capacity: number) => number} explain
 * @property {(client: Handle, event: Text, category: Text, action: Text, value: number | bigint,
 *   pluginName: Text, pluginVersion: Text, out: Uint8Array | null, capacity: number) => number} preview
 * @property {(client: Handle, out: Uint8Array | null, capacity: number) => number} stats
 * @property {(client: Handle, timeoutMs: number) => number} persist
 * @property {(client: Handle, timeoutMs: number) => number} flush
 * @property {(client: Handle, timeoutMs: number) => number} close
 * @property {(client: Handle) => void} free
 */

/**
 * Declares one function of a loaded library.
 * @param {LibraryHandle} library
 * @param {string} name
 */
function declare(library, name) {
  const [result, parameters] = FUNCTIONS[name];
  return library.func(`pact_telemetry_${name}`, result, [...parameters]);
}

/**
 * Declares all functions of a loaded library whose ABI version was checked before.
 * @param {LibraryHandle} library
 * @returns {Native}
 */
function bind(library) {
  const functions = Object.keys(FUNCTIONS).map((name) => [name, declare(library, name)]);
  return Object.fromEntries(functions);
}

module.exports = { ABI_VERSION, FUNCTIONS, STATUS, bind, declare };
