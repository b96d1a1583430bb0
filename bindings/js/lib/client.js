'use strict';

// The public layer: a client that never throws, whatever its arguments and its state are.

// Node's own clock and timers, fixed at load time: tests replace the global ones by fakes that stand still.
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
/** The longest pause between two checks whether all is settled. */
const MAX_PAUSE_MS = 16;
const ERROR_BYTES = 512;
/** More than a usual answer of the library needs, so that one call is enough. */
const TEXT_BYTES = 4_096;
/** A control character: the library refuses a text that contains one. */
const REFUSED = '\u0001';

// What `explain`, `preview` and `stats` return in place of what the library does not answer.
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

/** Outcomes by status: that of `PACT_TELEMETRY_QUEUE_FULL` is `queue_full`. @type {ReadonlyMap<number, Outcome>} */
const OUTCOMES = new Map(
  Object.entries(STATUS).map(([name, status]) => [status, /** @type {Outcome} */ (name.toLowerCase())]),
);

/** The clients that were not closed, by handle. @type {Map<bigint, WeakRef<TelemetryClient>>} */
const open = new Map();

/** Frees a client that was collected without a close. The library's background threads still send what it queued. */
const dropped = new FinalizationRegistry((/** @type {{ native: Native, handle: bigint }} */ { native, handle }) => {
  open.delete(handle);
  native.free(handle);
});

/**
 * Puts on disk what the client has accepted, and waits for that on this thread.
 * @type {(client: TelemetryClient, timeoutMs: number) => void}
 */
let persistNow;

/**
 * Whether this is a child process that its parent talks to over an IPC channel, such as a worker of Vitest or Jest. A
 * parent may kill it by a signal as soon as it has reported that it is done, and then no exit hook runs. So such a
 * process waits until the first event of a turn of its event loop is on disk, and at the next turn for all others.
 */
const mayBeKilled = process.connected === true;

/**
 * Such a process waits for the disk, usually for less than half a millisecond. All its waits together never take
 * longer than this time plus a hundredth of the time that it has run, so that a disk that stalls, or a service with
 * many events, cannot hold it up. Each copy of this file counts for itself; Jest evaluates one for each test file.
 */
const WAIT_MS = 50;
/** The longest wait for the first event of a turn, so that some time is left for all others. */
const FIRST_WAIT_MS = 10;
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
  /** Null without a library, and once closed: then nothing calls the library any more. @type {bigint | null} */
  #handle = null;
  /** @type {ReadonlyMap<string, bigint>} */
  #constants = new Map();
  /** @type {string | null} */
  #unavailableReason = null;
  /** @type {Promise<Outcome> | null} */
  #closing = null;
  /** The host program's own switch, apart from the person's opt-outs. */
  #switch = true;
  #environmentOff = false;
  /** @type {import('./host.js').Rule | null} */
  #packageRule = null;
  #hurries = false;
  /** How many losses `flush`, `persist` and `close` have reported. */
  #lostTold = 0;
  /** Whether a rule of the library had it turned off when it was made, and it has not been on since. */
  #startedOff = false;
  /** How many events were refused here, without a foreign call. The library does not count them. */
  #refused = 0;
  /** The last counters, which `stats` returns after the close. @type {Record<string, any>} */
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
   * Makes the native client. Returns null, or the reason why there is none.
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
    // Once the person's opt-out is gone, a client that is not configured must answer `not_configured`, not `disabled`.
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

  /** For `await using`. Before Node 20.4 there is no such symbol, and the method is then named `undefined`. */
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
    if (this.#handle !== null) notAccepted.disabled += this.#refused; // the last counters include them already
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

  /** The outcome of a call that there is no native client for. */
  #absent() {
    return this.#native === null ? 'unavailable' : 'closed';
  }

  /** The outcome of a wait that there is no native client for. */
  #ended() {
    return this.#native === null ? 'ok' : 'closed';
  }

  /**
   * Asks the library. Returns `otherwise` if there is no native client, or if the question throws.
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
   * Has the library write JSON into a buffer that is large enough, and adds `outcome` and `reason`. Every key is there:
   * what the library does not answer comes from `otherwise`.
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
   * Checks again and again until all that waited is settled, or the time is over. One blocking call on another thread
   * would hold up the exit of the process or the worker for its whole time, and would occupy one of the four threads on
   * which Node reads files and resolves names. The library's background threads do the work; a check costs
   * microseconds.
   * @param {(native: Native, handle: bigint) => number} ask
   * @param {number} timeoutMs
   * @param {(status: number, before: Counters, now: Counters) => Outcome | undefined} judge undefined: not settled yet
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

  /** Puts on disk the first event that is tracked in a turn of the event loop, and all others when the next begins. */
  #hurry() {
    if (this.#hurries) return;
    this.#hurries = true;
    this.#persistWithin(FIRST_WAIT_MS);
    setImmediate(() => {
      this.#hurries = false;
      this.#persistWithin(Infinity);
    });
  }

  /** @param {number} atMost in milliseconds */
  #persistWithin(atMost) {
    const begun = performance.now();
    const left = Math.min(atMost, Math.floor(WAIT_MS + begun / 100 - waitedMs));
    if (left <= 0) return; // the events go to disk together: each call would make a file of its own
    persistNow(this, left);
    waitedMs += performance.now() - begun;
  }

  /**
   * Whether a rule that only JavaScript knows turns it off. The library was told so before: it has nothing queued, and
   * its answer would be the same.
   */
  #isOffHere() {
    if (!this.#switch || this.#packageRule?.says === 'off') return true;
    this.#lookAtEnvironment();
    return this.#environmentOff;
  }

  /**
   * Whether a rule of the library still turns off a client that was off from the start. To ask this costs half as much
   * as a `track` that the library refuses.
   * @param {Native} native
   * @param {bigint} handle
   */
  #isStillOff(native, handle) {
    if (!this.#startedOff || this.#environmentOff) return false;
    if (native.is_enabled(handle) === 0) return true;
    this.#startedOff = false;
    return false;
  }

  /** Obeys the environment that JavaScript sees, if it changed. */
  #lookAtEnvironment() {
    const off = host.environmentSaysOff();
    if (off === this.#environmentOff) return;
    this.#environmentOff = off;
    this.#obey();
  }

  /**
   * Turns the native client on if no rule of this package forbids it, otherwise off, which discards what waits. The
   * library's own rules apply as well.
   */
  #obey() {
    const on = this.#switch && !this.#environmentOff && this.#packageRule?.says !== 'off';
    this.#native?.set_enabled(this.#handle, on ? 1 : 0);
  }

  /**
   * A required text, in the form that the library takes.
   * @param {unknown} text
   * @returns {Text}
   */
  #text(text) {
    return typeof text === 'string' ? (this.#constants.get(text) ?? whole(text)) : null;
  }
}

/**
 * The text, with each NUL replaced so that the library refuses it. A C string would end at the NUL, and the part before
 * it could be a valid text.
 * @param {string} text
 */
function whole(text) {
  return text.includes('\0') ? text.replaceAll('\0', REFUSED) : text;
}

/**
 * An optional text. A value that is no text becomes one that the library refuses, rather than being left out.
 * @param {unknown} text
 * @returns {Text}
 */
function optional(text) {
  if (text === null || text === undefined) return null;
  return typeof text === 'string' ? whole(text) : REFUSED;
}

/**
 * A whole number that fits 64 bits. Any other value becomes one that the library refuses.
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
  return OUTCOMES.get(status) ?? (status < 0 ? 'error_unknown' : 'unknown');
}

/** @typedef {{ accepted: number, settled: number, kept: number, lost: number }} Counters */

/**
 * Judges a flush or a close, which do not wait for what was tracked after their start. The library reports each loss to
 * one call only, which may be one of the repeated checks; so losses are counted here. `before.lost` is how many of them
 * earlier calls reported.
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
 * Judges `persist`.
 * @param {number} status
 * @param {Counters} before
 * @param {Counters} now
 * @returns {Outcome | undefined}
 */
function onDisk(status, before, now) {
  if (status === STATUS.ERROR_TIMEOUT) return undefined;
  if (now.lost > before.lost) return 'lost';
  // A loss that was reported before says nothing of this call; the next check does.
  return status === STATUS.LOST ? undefined : outcome(status);
}

/**
 * Puts on disk what all clients that were not closed have accepted. When no time is left, it does not wait for that.
 * @param {number} deadline as a time of `performance.now()`
 */
function persistAll(deadline) {
  for (const client of open.values()) {
    const left = client.deref();
    if (left) persistNow(left, Math.max(0, Math.floor(deadline - performance.now())));
  }
}

/**
 * The library's config. Its keys are the options in snake case; only the library checks their values.
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
