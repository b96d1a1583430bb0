'use strict';

// The public layer: a client that never throws, whatever it is given and whatever state it is in.

// Node's own, and kept from now on: tests replace the global one by a clock that stands still.
const { performance } = require('node:perf_hooks');
const { clearTimeout, setImmediate, setTimeout } = require('node:timers');
const { atExit } = require('./exit.js');
const host = require('./host.js');
const { load, reason } = require('./loader.js');
const names = require('./names.js');
const { STATUS } = require('./native.js');

/** @typedef {import('./index.js').Outcome} Outcome */
/** @typedef {import('./index.js').Stats} Stats */
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

/** The longest that the end of the process, or of a worker thread, waits for the disk. */
const EXIT_TIMEOUT_MS = 50;

/** What `explain`, `stats` and `preview` hold where the library does not tell. */
const noExplanation = () => ({
  enabled: false,
  rule: null,
  rules: [],
  notice: { shown_ms: null, hold_until_ms: null, text: '' },
  diagnostics: [],
  ci: null,
  configured: null,
  debug: null,
  destination: null,
  endpoint: null,
  exit_timeout_ms: null,
  id: null,
  protocol: null,
  queue_capacity: null,
  state_dir: null,
});
const NO_PREVIEW = Object.freeze({ method: null, url: null, content_type: null, body: null });
const NO_STATS = Object.freeze({
  accepted: 0,
  delivered: 0,
  unconfirmed: 0,
  queued: 0,
  spooled: 0,
  dropped: Object.freeze({
    debug: 0,
    expired: 0,
    http_status: 0,
    internal: 0,
    no_notice: 0,
    not_persisted: 0,
    opted_out: 0,
    spool_full: 0,
  }),
  not_accepted: Object.freeze({ closed: 0, disabled: 0, invalid: 0, not_configured: 0, queue_full: 0 }),
  last_failure: null,
  left_by_others: Object.freeze({ delivered: 0, dropped: 0, unconfirmed: 0 }),
});

/** `PACT_TELEMETRY_QUEUE_FULL` is `queue_full` here. @type {ReadonlyMap<number, Outcome>} */
const OUTCOMES = new Map(
  Object.entries(STATUS).map(([name, status]) => [status, /** @type {Outcome} */ (name.toLowerCase())]),
);

/** The clients that were not closed, by handle. @type {Map<bigint, WeakRef<TelemetryClient>>} */
const open = new Map();

/** Frees a client that was dropped without a close. What it queued stays with the library's background threads. */
const dropped = new FinalizationRegistry((/** @type {{ native: Native, handle: bigint }} */ { native, handle }) => {
  open.delete(handle);
  native.free(handle);
});

/**
 * What `persist` does, without a turn of the event loop.
 * @type {(client: TelemetryClient, timeoutMs: number) => void}
 */
let persistNow;

/**
 * A child process that its parent talks to, such as the workers of Vitest and Jest, is killed by a signal as soon as it
 * has said that it is done, and no hook runs. There what was tracked goes to disk in the same turn of the event loop.
 */
const mayBeKilled = process.connected === true;

/**
 * Such a process waits for the disk: as a rule, less than half a millisecond a turn. It never waits longer than this, in
 * all, and a hundredth of its life; so neither a disk that stalls nor a service with many events is held up.
 */
const WAIT_MS = 50;
let waitedMs = 0;

class TelemetryClient {
  static {
    persistNow = (client, timeoutMs) =>
      client.#ask((native, handle) => {
        client.#lookAtEnvironment();
        native.persist(handle, timeoutMs);
      }, undefined);
  }

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
  #hurries = false;
  /** How many losses `flush`, `persist` and `close` have told of. */
  #lostTold = 0;
  /** It was off by a rule of the library's when it was made, and has not been on since. */
  #startedOff = false;
  /** The events that were refused here, without a foreign call. The library does not count them. */
  #refused = 0;
  /** The last counters, for who asks after the end. @type {Record<string, any>} */
  #lastStats = NO_STATS;

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
    open.set(handle, new WeakRef(this));
    atExit(persistAll);
    if (this.#packageRule?.says === 'off') this.#obey();
    // One that is not configured is answered so, and not `disabled`, once the person's opt-out is gone.
    this.#startedOff = !this.#isOffHere() && !this.enabled && this.explain().configured === true;
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
      if (this.#isStillOff(native, handle) || this.#isOffHere()) {
        this.#refused++;
        return 'disabled';
      }
      const status = native.track(
        handle,
        this.#text(event),
        this.#text(category),
        this.#text(action),
        count(value),
        optional(pluginName),
        optional(pluginVersion),
      );
      if (status !== STATUS.OK) return outcome(status);
      if (mayBeKilled) this.#hurry();
      return 'ok';
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
    this.#ask(() => {
      this.#environmentOff = host.environmentSaysOff();
      this.#obey();
    }, undefined);
  }

  /** @returns {Promise<Outcome>} */
  async persist(timeoutMs = DEFAULT_TIMEOUT_MS) {
    if (this.#handle === null) return this.#ended();
    return this.#settle((native, handle) => native.persist(handle, 0), timeoutMs, onDisk);
  }

  /** @returns {Promise<Outcome>} */
  async flush(timeoutMs = DEFAULT_TIMEOUT_MS) {
    if (this.#handle === null) return this.#ended();
    return this.#settle((native, handle) => native.flush(handle, 0), timeoutMs, sent);
  }

  /** @returns {Promise<Outcome>} */
  close(timeoutMs = DEFAULT_TIMEOUT_MS) {
    return (this.#closing ??= this.#close(timeoutMs));
  }

  /** @param {number} timeoutMs */
  async #close(timeoutMs) {
    if (this.#handle === null) return this.#ended();
    const ended = await this.#settle((native, handle) => native.close(handle, 0), timeoutMs, sent);
    const handle = this.#handle;
    this.#lastStats = this.stats();
    this.#handle = null;
    open.delete(handle);
    dropped.unregister(this);
    this.#native?.free(handle);
    return ended;
  }

  /** For `await using`. Before Node 20.4 there is no such symbol, and this has a name that nobody calls. */
  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /** @returns {import('./index.js').Explanation} */
  explain() {
    const hostRules = [...host.environmentRules(), ...(this.#packageRule ? [this.#packageRule] : [])];
    const told = this.#tell({ ...noExplanation(), state: this.#absent() }, (native, handle, out, capacity) => {
      this.#lookAtEnvironment();
      return native.explain(handle, out, capacity);
    });
    return /** @type {any} */ ({ ...told, hostRules });
  }

  /** @returns {Stats} */
  stats() {
    const write = (/** @type {Native} */ native, /** @type {bigint} */ handle, /** @type {Uint8Array} */ out) =>
      native.stats(handle, out, out.length);
    const told = this.#tell(this.#lastStats, write);
    const notAccepted = { ...NO_STATS.not_accepted, ...told.not_accepted };
    if (this.#handle !== null) notAccepted.disabled += this.#refused; // the last counters have them already
    return /** @type {any} */ ({
      ...told,
      dropped: { ...NO_STATS.dropped, ...told.dropped },
      not_accepted: notAccepted,
      left_by_others: { ...NO_STATS.left_by_others, ...told.left_by_others },
    });
  }

  /**
   * @param {string} event
   * @param {string} category
   * @param {string} action
   * @param {number | bigint} [value]
   * @param {string | null} [pluginName]
   * @param {string | null} [pluginVersion]
   * @returns {import('./index.js').Preview}
   */
  preview(event, category, action, value = 1, pluginName = null, pluginVersion = null) {
    const told = this.#tell(NO_PREVIEW, (native, handle, out, capacity) => {
      const [name, version] = [optional(pluginName), optional(pluginVersion)];
      const [label, kind, act] = [this.#text(event), this.#text(category), this.#text(action)];
      return native.preview(handle, label, kind, act, count(value), name, version, out, capacity);
    });
    return /** @type {any} */ (told);
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
   * Has the library write JSON into a buffer that is large enough. Every key is answered: those of `otherwise` where
   * the library does not tell, with the outcome and the reason.
   * @param {Record<string, any>} otherwise
   * @param {(native: Native, handle: bigint, out: Uint8Array, capacity: number) => number} write
   * @returns {Record<string, any>}
   */
  #tell(otherwise, write) {
    const without = (/** @type {Outcome} */ is, /** @type {string | null} */ why) => ({
      ...otherwise,
      outcome: is,
      reason: why,
    });
    const absent = this.#native === null || this.#handle === null;
    return this.#ask(
      (native, handle) => {
        for (let capacity = TEXT_BYTES; ;) {
          const out = Buffer.allocUnsafe(capacity);
          const length = write(native, handle, out, capacity);
          if (length < 0) return without(outcome(length), `the library answered ${outcome(length)}`);
          if (length < capacity) {
            const told = JSON.parse(out.toString('utf8', 0, length));
            return { ...otherwise, outcome: 'ok', reason: null, ...told };
          }
          capacity = length + 1;
        }
      },
      absent
        ? without(this.#absent(), this.#unavailableReason ?? 'the client is closed')
        : without('error_internal', 'the library could not be called'),
    );
  }

  /**
   * Looks until all that waited is settled, or the time is over. Not one blocking call on another thread: that one
   * would hold up the end of the process and of a worker for its whole time, and with it one of the four threads on
   * which Node reads files and resolves names. The library's sender is the one that works; to ask it costs
   * microseconds.
   * @param {(native: Native, handle: bigint) => number} ask
   * @param {number} timeoutMs
   * @param {(status: number, before: Counters, now: Counters) => Outcome | undefined} judge undefined: wait on
   * @returns {Promise<Outcome>}
   */
  async #settle(ask, timeoutMs, judge) {
    const time = milliseconds(timeoutMs);
    let over = time === 0;
    const timer = over ? undefined : setTimeout(() => (over = true), time);
    try {
      const before = { ...this.#counters(), lost: this.#lostTold };
      for (let pause = 1; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
        if (this.#native === null || this.#handle === null) return 'closed';
        this.#lookAtEnvironment();
        const status = ask(this.#native, this.#handle);
        const now = this.#counters();
        const settled = judge(status, before, now);
        if (settled !== undefined) {
          this.#lostTold = Math.max(this.#lostTold, now.lost);
          return settled;
        }
        if (over) return outcome(STATUS.ERROR_TIMEOUT);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    } catch {
      return 'error_internal';
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns {Counters} */
  #counters() {
    const { accepted, queued, spooled: kept, dropped: lost } = this.stats();
    const sum = Object.values(lost).reduce((total, one) => total + one, 0);
    return { accepted, settled: accepted - queued, kept, lost: sum };
  }

  /** Has on disk what was tracked in this turn of the event loop, before the next one. */
  #hurry() {
    if (this.#hurries) return;
    this.#hurries = true;
    setImmediate(() => {
      this.#hurries = false;
      const begun = performance.now();
      persistNow(this, Math.max(0, Math.floor(WAIT_MS + begun / 100 - waitedMs)));
      waitedMs += performance.now() - begun;
    });
  }

  /**
   * Is it off by a rule that only JavaScript knows? The library was told so before: it has nothing queued, and its
   * answer would be the same.
   */
  #isOffHere() {
    if (!this.#switch || this.#packageRule?.says === 'off') return true;
    this.#lookAtEnvironment();
    return this.#environmentOff;
  }

  /**
   * Is one that was off from the start still off by a rule of the library's? That costs half of what a `track` that is
   * refused would cost.
   * @param {Native} native
   * @param {bigint} handle
   */
  #isStillOff(native, handle) {
    if (!this.#startedOff || this.#environmentOff) return false;
    if (native.is_enabled(handle) === 0) return true;
    this.#startedOff = false;
    return false;
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
 * @param {number} status
 * @returns {Outcome}
 */
function outcome(status) {
  return OUTCOMES.get(status) ?? (status < 0 ? 'error_internal' : 'disabled');
}

/** @typedef {{ accepted: number, settled: number, kept: number, lost: number }} Counters */

/**
 * Of a flush or a close: what was tracked since is not what is waited for. `before.lost` is how many losses earlier
 * calls told of: the library tells each to one call, which may be one of those that only look.
 * @param {number} status
 * @param {Counters} before
 * @param {Counters} now
 * @returns {Outcome | undefined}
 */
function sent(status, before, now) {
  const waits = status === STATUS.ERROR_TIMEOUT;
  if (waits ? now.settled < before.accepted : status < 0) return waits ? undefined : outcome(status);
  if (now.lost > before.lost) return 'lost';
  return now.kept > 0 ? 'kept' : 'ok';
}

/**
 * Of `persist`.
 * @param {number} status
 * @param {Counters} before
 * @param {Counters} now
 * @returns {Outcome | undefined}
 */
function onDisk(status, before, now) {
  if (status === STATUS.ERROR_TIMEOUT) return undefined;
  if (now.lost > before.lost) return 'lost';
  return status === STATUS.LOST ? undefined : outcome(status); // of an earlier call; the next look says what is so now
}

/** Puts on disk what the clients that were not closed have accepted. */
function persistAll() {
  for (const client of open.values()) {
    const left = client.deref();
    if (left) persistNow(left, EXIT_TIMEOUT_MS);
  }
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
