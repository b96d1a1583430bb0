'use strict';

// Runs something when the process or the worker thread ends, by itself or by `process.exit`. Private.

const { performance } = require('node:perf_hooks');

/** The longest time that the exit of the process, or of a worker thread, waits for the disk. */
const EXIT_TIMEOUT_MS = 50;

/**
 * Names the tasks that all copies of this file in one realm share. Jest evaluates a copy for each test file, and Node
 * prints a warning when an event has 11 listeners.
 */
const KEY = Symbol.for('@pact-foundation/telemetry at exit');

/**
 * Runs the task after all code of the program, on the program's thread. Nothing asynchronous runs any more by then. All
 * tasks together have `EXIT_TIMEOUT_MS`.
 * @param {(deadline: number) => void} task must not throw, nor wait beyond the deadline, a time of `performance.now()`
 */
function atExit(task) {
  const realm = /** @type {Record<symbol, Set<(deadline: number) => void> | undefined>} */ (globalThis);
  let tasks = realm[KEY];
  if (tasks === undefined) {
    tasks = new Set();
    Object.defineProperty(realm, KEY, { value: tasks });
    process.once('exit', () => {
      const deadline = performance.now() + EXIT_TIMEOUT_MS;
      realm[KEY]?.forEach((one) => one(deadline));
    });
  }
  tasks.add(task);
}

module.exports = { atExit };
