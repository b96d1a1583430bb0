'use strict';

// Runs something when the process or the worker thread ends, by itself or by `process.exit`. Private.

/**
 * Names the tasks that all copies of this file in one realm share. Jest evaluates a copy for each test file, and Node
 * prints a warning when an event has 11 listeners.
 */
const KEY = Symbol.for('@pact-foundation/telemetry at exit');

/**
 * Runs the task after all code of the program, on the program's thread. Nothing asynchronous runs any more by then.
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
