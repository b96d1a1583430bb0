'use strict';

// Runs something when the process or the worker thread ends, by itself or by `process.exit`. Private.

/**
 * Shared by every copy of this file in one realm: Jest evaluates one for each test file, and Node warns of 11
 * listeners.
 */
const KEY = Symbol.for('@pact-foundation/telemetry at exit');

/**
 * The task runs after all code of the program, on its thread; nothing asynchronous happens any more.
 * @param {() => void} task must not throw
 */
function atExit(task) {
  const realm = /** @type {Record<symbol, Set<() => void> | undefined>} */ (globalThis);
  let tasks = realm[KEY];
  if (tasks === undefined) {
    tasks = new Set();
    Object.defineProperty(realm, KEY, { value: tasks });
    process.once('exit', () => realm[KEY]?.forEach((one) => one()));
  }
  tasks.add(task);
}

module.exports = { atExit };
