'use strict';

// The public layer: a client that never throws, whatever it is given and whatever state it is in.

// Node's own, and kept from now on: tests replace the global one by a clock that stands still.
const { clearTimeout, setTimeout } = require('node:timers');
const host = require('./host.js');
const { load, reason } = require('./loader.js');
const names = require('./names.js');
const { STATUS } = require('./native.js');

/** @typedef {import('./index.js').Outcome} Outcome */
/** @typedef {import('./native.js').Native} Native */
/** @typedef {import('./native.js').Text} Text */

const DEFAULT_TIMEOUT_MS = 1_000;
/** The longest that Node's timers can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** The longest pause between two looks at whether all is settled. */
const MAX_PAUSE_MS = 16;
const ERROR_BYTES = 512;
/** More than what the library usually tells, so that one call is enough. */
const TEXT_BYTES = 4_096;
/** A control character: the library refuses text that holds one. */
const REFUSED = '\u0001';

/** Frees a client that was dropped without a close. What it queued stays with the library's sender. */
const dropped = new FinalizationRegistry((/** @type {{ native: Native, handle: bigint }} */ { native, handle }) => {
  native.free(handle);
});

class TelemetryClient {
  /** @type {Native | null} */
  #native = null;
  /** Null without a library, and after the end: then nothing calls the library any more. @type {bigint | null} */
  #handle = null;
  /** @type {ReadonlyMap<string, bigint>} */
  #constants = new Map();
  /** @type {string | null} */
  #unavailableReason = null;
  /** @type {Promise<Outcome> | null} */
  #closing = null;
  /** The host's own switch, apart from the person's opt-outs. */
  #switch = true;
  #environmentOff = false;
  /** @type {import('./host.js').Rule | null} */
  #packageRule = null;

  /** @param {import('./index.js').TelemetryOptions} [options] */
  constructor(options) {
    try {
      this.#packageRule = host.packageRule();
      this.#unavailableReason = this.#open(options);
    } catch (error) {
      this.#unavailableReason = reason(error);
    }
  }

  /**
   * Answers with the reason for which there is no native client.
   * @param {unknown} options
   */
  #open(options) {
    const loaded = load();
    if (typeof loaded === 'string') return loaded;
    const config = configOf(options);
    const error = Buffer.alloc(ERROR_BYTES);
    const handle = loaded.native.new(JSON.stringify(config), error, ERROR_BYTES);
    if (!handle) return error.toString('utf8', 0, error.indexOf(0));
    this.#native = loaded.native;
    this.#constants = loaded.constants;
    this.#handle = handle;
    this.#switch = config.enabled !== false;
    dropped.register(this, { native: loaded.native, handle }, this);
    if (this.#packageRule?.says === 'off') this.#obey();
    this.#lookAtEnvironment();
    return null;
  }

  get unavailableReason() {
    return this.#unavailableReason;
  }

  /**
   * @param {string} event
   * @param {string} category
   * @param {string} action
   * @param {number | bigint} [value]
   * @param {string | null} [pluginName]
   * @param {string | null} [pluginVersion]
   * @returns {Outcome}
   */
  track(event, category, action, value = 1, pluginName = null, pluginVersion = null) {
    const native = this.#native;
    const handle = this.#handle;
    if (native === null || handle === null) return this.#absent();
    try {
      this.#lookAtEnvironment();
      const status = native.track(
        handle,
        this.#text(event),
        this.#text(category),
        this.#text(action),
        count(value),
        optional(pluginName),
        optional(pluginVersion),
      );
      return status === STATUS.OK ? 'ok' : outcome(native, status);
    } catch {
      return 'error_internal';
    }
  }

  /** @param {number | bigint} count */
  consumerTestsRan(count) {
    const { EVENT_PACT_CONSUMER_TESTS_RAN, CATEGORY_CONSUMER_TEST, ACTION_COMPLETED } = names;
    return this.track(EVENT_PACT_CONSUMER_TESTS_RAN, CATEGORY_CONSUMER_TEST, ACTION_COMPLETED, count);
  }

  /** @param {number | bigint} count */
  pactsVerified(count) {
    return this.track(names.EVENT_PACTS_VERIFIED, names.CATEGORY_PROVIDER_TEST, names.ACTION_COMPLETED, count);
  }

  /**
   * @param {string} name
   * @param {string} [version]
   */
  pluginLoaded(name, version) {
    return this.track(names.EVENT_PLUGIN_LOADED, names.CATEGORY_PLUGIN, names.ACTION_LOADED, 1, name, version);
  }

  mockServerStarted() {
    const { EVENT_PACT_MOCK_SERVER_STARTED, CATEGORY_CONSUMER_TEST, ACTION_MOCK_SERVER_STARTED } = names;
    return this.track(EVENT_PACT_MOCK_SERVER_STARTED, CATEGORY_CONSUMER_TEST, ACTION_MOCK_SERVER_STARTED, 1);
  }

  get enabled() {
    return this.#ask((native, handle) => {
      this.#lookAtEnvironment();
      return native.is_enabled(handle) === 1;
    }, false);
  }

  set enabled(enabled) {
    this.#switch = Boolean(enabled);
    this.#ask(() => this.#obey(), undefined);
  }

  /** @returns {Promise<Outcome>} */
  async flush(timeoutMs = DEFAULT_TIMEOUT_MS) {
    if (this.#handle === null) return this.#ended();
    return this.#settle((native, handle) => native.flush(handle, 0), timeoutMs);
  }

  /** @returns {Promise<Outcome>} */
  close(timeoutMs = DEFAULT_TIMEOUT_MS) {
    return (this.#closing ??= this.#close(timeoutMs));
  }

  /** @param {number} timeoutMs */
  async #close(timeoutMs) {
    if (this.#handle === null) return this.#ended();
    const ended = await this.#settle((native, handle) => native.close(handle, 0), timeoutMs);
    const handle = this.#handle;
    this.#handle = null;
    dropped.unregister(this);
    this.#native?.free(handle);
    return ended;
  }

  /** For `await using`. Before Node 20.4 there is no such symbol, and this has a name that nobody calls. */
  async [Symbol.asyncDispose]() {
    await this.close();
  }

  explain() {
    const hostRules = [...host.environmentRules(), ...(this.#packageRule ? [this.#packageRule] : [])];
    const told = this.#tell((native, handle, out, capacity) => {
      this.#lookAtEnvironment();
      return native.explain(handle, out, capacity);
    });
    return { enabled: false, ...told, hostRules };
  }

  stats() {
    return this.#tell((native, handle, out, capacity) => native.stats(handle, out, capacity));
  }

  /**
   * @param {string} event
   * @param {string} category
   * @param {string} action
   * @param {number | bigint} [value]
   * @param {string | null} [pluginName]
   * @param {string | null} [pluginVersion]
   */
  preview(event, category, action, value = 1, pluginName = null, pluginVersion = null) {
    return this.#tell((native, handle, out, capacity) => {
      const [name, version] = [optional(pluginName), optional(pluginVersion)];
      const [label, kind, act] = [this.#text(event), this.#text(category), this.#text(action)];
      return native.preview(handle, label, kind, act, count(value), name, version, out, capacity);
    });
  }

  /** What is answered in place of the library. */
  #absent() {
    return this.#native === null ? 'unavailable' : 'closed';
  }

  /** What a wait is answered when nothing can wait. */
  #ended() {
    return this.#native === null ? 'ok' : 'closed';
  }

  /**
   * Asks the library, if there is one; a fault is no reason to throw.
   * @template T
   * @param {(native: Native, handle: bigint) => T} question
   * @param {T} otherwise
   */
  #ask(question, otherwise) {
    if (this.#native === null || this.#handle === null) return otherwise;
    try {
      return question(this.#native, this.#handle);
    } catch {
      return otherwise;
    }
  }

  /**
   * Has the library write JSON into a buffer that is large enough, and parses it.
   * @param {(native: Native, handle: bigint, out: Uint8Array, capacity: number) => number} write
   * @returns {Record<string, any>}
   */
  #tell(write) {
    const outcomeOnly = (/** @type {Outcome} */ is) => ({ outcome: is, reason: this.#unavailableReason });
    return this.#ask(
      (native, handle) => {
        for (let capacity = TEXT_BYTES; ;) {
          const out = Buffer.allocUnsafe(capacity);
          const length = write(native, handle, out, capacity);
          if (length < 0) return outcomeOnly(outcome(native, length));
          if (length < capacity) return JSON.parse(out.toString('utf8', 0, length));
          capacity = length + 1;
        }
      },
      outcomeOnly(this.#native === null || this.#handle === null ? this.#absent() : 'error_internal'),
    );
  }

  /**
   * Looks until all that waited is settled, or the time is over. Not one blocking call on another thread: that one would
   * hold up the end of the process and of a worker for its whole time, and with it one of the four threads on which Node
   * reads files and resolves names. The library's sender is the one that works; to ask it costs microseconds.
   * @param {(native: Native, handle: bigint) => number} ask
   * @param {number} timeoutMs
   * @returns {Promise<Outcome>}
   */
  async #settle(ask, timeoutMs) {
    const time = milliseconds(timeoutMs);
    let over = time === 0;
    const timer = over ? undefined : setTimeout(() => (over = true), time);
    try {
      const before = this.#counters();
      for (let pause = 1; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
        if (this.#native === null || this.#handle === null) return 'closed';
        this.#lookAtEnvironment();
        const status = ask(this.#native, this.#handle);
        const now = this.#counters();
        const waits = status === STATUS.ERROR_TIMEOUT;
        // What was tracked since is not what is waited for, and what was lost since is not what the library tells now.
        if (waits ? now.settled >= before.accepted : status >= 0) {
          if (now.lost > before.lost) return 'lost';
          return now.kept > 0 ? 'kept' : 'ok';
        }
        if (!waits || over) return outcome(this.#native, status);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    } catch {
      return 'error_internal';
    } finally {
      clearTimeout(timer);
    }
  }

  #counters() {
    const { accepted = 0, queued = 0, spooled: kept = 0, dropped: lost = {} } = this.stats();
    const sum = Object.values(lost).reduce((total, one) => total + one, 0);
    return { accepted, settled: accepted - queued, kept, lost: sum };
  }

  /** Obeys the environment as JavaScript sees it, if it changed. */
  #lookAtEnvironment() {
    const off = host.environmentSaysOff();
    if (off === this.#environmentOff) return;
    this.#environmentOff = off;
    this.#obey();
  }

  /** On only if nobody says no. Off throws away what waits; the library's own rules hold beside this one. */
  #obey() {
    const on = this.#switch && !this.#environmentOff && this.#packageRule?.says !== 'off';
    this.#native?.set_enabled(this.#handle, on ? 1 : 0);
  }

  /**
   * A text that must be there, as the library takes it.
   * @param {unknown} text
   * @returns {Text}
   */
  #text(text) {
    return typeof text === 'string' ? (this.#constants.get(text) ?? whole(text)) : null;
  }
}

/**
 * A C string would end at a NUL: what is left could be a text that nobody wrote.
 * @param {string} text
 */
function whole(text) {
  return text.includes('\0') ? text.replaceAll('\0', REFUSED) : text;
}

/**
 * A text that may be missing. What is no text is refused rather than left out.
 * @param {unknown} text
 * @returns {Text}
 */
function optional(text) {
  if (text === null || text === undefined) return null;
  return typeof text === 'string' ? whole(text) : REFUSED;
}

/**
 * A value that fits 64 bits; what does not, or is no whole number, becomes one that the library refuses.
 * @param {unknown} value
 */
function count(value) {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : -1;
  return Number.isSafeInteger(value) ? /** @type {number} */ (value) : -1;
}

/** @param {unknown} timeoutMs */
function milliseconds(timeoutMs) {
  if (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs)) return DEFAULT_TIMEOUT_MS;
  return Math.min(Math.max(0, Math.ceil(timeoutMs)), MAX_TIMEOUT_MS);
}

/**
 * The library's name of a status, also of one that came after this file: `PACT_TELEMETRY_QUEUE_FULL` is `queue_full`.
 * @param {Native} native
 * @param {number} status
 * @returns {Outcome}
 */
function outcome(native, status) {
  return native.status_name(status).replace('PACT_TELEMETRY_', '').toLowerCase();
}

/**
 * The library's config: its keys are ours in snake case, its checks are the only ones.
 * @param {unknown} options
 * @returns {Record<string, unknown>}
 */
function configOf(options) {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return options === undefined ? {} : /** @type {any} */ (options);
  }
  const entries = Object.entries(options).map(([key, value]) => [
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  const config = Object.fromEntries(entries);
  if (config.platform_version === undefined) config.platform_version = host.platformVersion();
  if (config.test_framework === undefined) config.test_framework = host.testFramework();
  return config;
}

module.exports = { TelemetryClient };
