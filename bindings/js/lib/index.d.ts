/**
 * What became of a call, as the library names it. `ok`: done. `disabled`, `not_configured`, `queue_full`, `closed`:
 * nothing was queued, and this is no error. `lost`: events were lost that no earlier call reported; `stats()` says why.
 * `kept`: nothing was lost, but some events wait on disk for another attempt. `error_…`: the event is not valid, the
 * time was over, or the library has a fault. `unavailable`: the client cannot work, and `unavailableReason` says why.
 * `unknown`, and `error_unknown` for an error: a newer library says what this package does not know. No outcome is a
 * reason to stop a test.
 */
export type Outcome =
  | 'ok'
  | 'disabled'
  | 'not_configured'
  | 'queue_full'
  | 'closed'
  | 'lost'
  | 'kept'
  | 'error_null'
  | 'error_utf8'
  | 'error_empty'
  | 'error_too_long'
  | 'error_forbidden'
  | 'error_range'
  | 'error_timeout'
  | 'error_internal'
  | 'unavailable'
  | 'unknown'
  | 'error_unknown';

/** The keys of the library's config in camel case; docs/config.md describes each. */
export interface TelemetryOptions {
  /** The library that reports. */
  library: {
    /** Short name for programs, such as `pact-js`. */
    id: string;
    /** Name for people, such as `Pact JS`. */
    name: string;
    version: string;
  };
  /** What kind of program reports. Default: `client`. */
  dataSource?: 'cli' | 'client' | 'broker' | null;
  /** Default: Jest, Vitest, Mocha or node:test, if one of them runs this code. `null` for none. */
  testFramework?: string | null;
  /** Default: such as `Node 20.11.0`. `null` for none. */
  platformVersion?: string | null;
  /** The host program's own switch. Default: true. It cannot overrule an opt-out. */
  enabled?: boolean | null;
  /** Default: `ga4`. */
  protocol?: 'ga4' | 'universal-analytics' | 'otlp' | null;
  /** An `https` URL, or an `http` URL on a loopback host. Default: that of the protocol; `otlp` has none. */
  endpoint?: string | null;
  /** Credentials of a GA4 data stream, together with `apiSecret`. Default: built in. */
  measurementId?: string | null;
  apiSecret?: string | null;
  /** Credentials of a Universal Analytics property. Default: built in. */
  trackingId?: string | null;
  /** How many events may wait in memory, 1 to 4096. Default: 4096. */
  queueCapacity?: number | null;
  /** Absolute path of the folder in which events wait on disk. */
  stateDir?: string | null;
  /**
   * The longest time that the exit of the process waits for answers, in milliseconds, 0 to 10000. Default: 100; in CI
   * 500.
   */
  exitTimeoutMs?: number | null;
  /**
   * Who shows the notice to the person, once, before anything leaves the machine. `stderr` (default): the library.
   * `host`: your program shows the text in `explain().notice`, and makes its clients with `shown` from then on. Before
   * that, nothing leaves.
   */
  notice?: 'stderr' | 'host' | 'shown' | null;
  /** What identifies the machine: the digest of its name (default), or a random identifier. */
  id?: 'hostname' | 'random' | null;
}

/** The keys that the answers of `explain`, `stats` and `preview` share. Every key is there in every state. */
interface Answer {
  /** `ok`, or why the library gives no answer: `unavailable`, `closed`, `error_…`. */
  outcome: Outcome;
  /** Why the outcome is not `ok`, in words; null if it is. */
  reason: string | null;
}

/** What one rule of consent says. */
export interface Rule {
  rule: string;
  says: 'on' | 'off' | 'no opinion';
  /** What the rule read; null if there was nothing. */
  read: unknown;
  /** The file that was read. */
  path?: string;
}

/** The library's answer, see `pact_telemetry_explain`, and the opt-outs that only JavaScript sees. */
export interface Explanation extends Answer {
  /** Whether an event would be queued now. */
  enabled: boolean;
  /** Such as `enabled`, `disabled`, `not configured`, `unavailable` or `closed`. */
  state: string;
  /** The rule that turned it off, or null; `host` also stands for what one of `hostRules` says. */
  rule: string | null;
  /** What each rule of the library says. */
  rules: Rule[];
  /** What each rule of this package says. */
  hostRules: Rule[];
  /**
   * When the notice was shown, until when events are held back because of it (both in milliseconds since 1970; null
   * before it was shown), and its text.
   */
  notice: { shown_ms: number | null; hold_until_ms: number | null; text: string };
  /** Remarks of the library on the configuration, such as keys that it does not know. */
  diagnostics: string[];
  /** What identifies the machine. This key and all that follow are null where the library gives no answer. */
  id: 'hostname' | 'random' | null;
  protocol: 'ga4' | 'universal-analytics' | 'otlp' | null;
  endpoint: string | null;
  /** The digest that identifies the endpoint and its credentials on disk. */
  destination: string | null;
  state_dir: string | null;
  queue_capacity: number | null;
  exit_timeout_ms: number | null;
  /** Whether this runs in CI, where no event is held back. */
  ci: boolean | null;
  /** Whether there is a destination: credentials, or an endpoint that needs none. */
  configured: boolean | null;
  /** Whether requests are printed instead of sent. */
  debug: boolean | null;
}

/** Why accepted events were lost; docs/config.md of the library describes each reason. */
export type DropReason =
  'debug' | 'expired' | 'http_status' | 'internal' | 'no_notice' | 'not_persisted' | 'opted_out' | 'spool_full';

/** Why events were not accepted. */
export type RefusalReason = 'closed' | 'disabled' | 'invalid' | 'not_configured' | 'queue_full';

/**
 * What became of the events: `accepted` = `delivered` + `unconfirmed` + `queued` + `spooled` + the sum of `dropped`.
 * After `close` these are the last counts; without a library all are zero.
 */
export interface Stats extends Answer {
  accepted: number;
  delivered: number;
  /** Sent completely, but no answer was received. These are not sent again. */
  unconfirmed: number;
  /** On their way, or waiting in memory. */
  queued: number;
  /** Kept on disk for another attempt. */
  spooled: number;
  dropped: Record<DropReason, number>;
  not_accepted: Record<RefusalReason, number>;
  /** Of the whole process: why the last request failed, such as `unreachable` or `status 503`; null after a success. */
  last_failure: string | null;
  /** Of the whole process: what became of events that earlier processes left on disk. */
  left_by_others: { delivered: number; dropped: number; unconfirmed: number };
}

/** The request that would carry an event alone; null for an event that would not be taken. */
export interface Preview extends Answer {
  method: string | null;
  url: string | null;
  content_type: string | null;
  body: string | null;
}

/** `[Symbol.asyncDispose]()`, for `await using`, if the program's `lib` declares it; otherwise no method. */
type AsyncDispose = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { [method in Key]: () => Promise<void> }
  : {};

/** `await using` calls `close()`. */
export interface TelemetryClient extends AsyncDispose {}

/**
 * Reports the anonymous usage events of one library. No method throws or rejects, whatever its arguments are. A client
 * that cannot work (no library for this machine, wrong options) does nothing and says why in `unavailableReason`.
 */
export class TelemetryClient {
  /** Makes a client. It starts no thread, opens no socket and creates no file before the first accepted event. */
  constructor(options: TelemetryOptions);

  /** Why this client does nothing; null if it works. */
  readonly unavailableReason: string | null;

  /**
   * Whether an event would be queued now. Setting it to false discards the events that wait. Setting it to true cannot
   * overrule an opt-out.
   */
  get enabled(): boolean;
  set enabled(enabled: boolean);

  /** Queues an event; takes microseconds and never waits. `value` is a count, zero or more, 1 by default. */
  track(
    event: string,
    category: string,
    action: string,
    value?: number | bigint,
    pluginName?: string | null,
    pluginVersion?: string | null,
  ): Outcome;

  /** Reports a run of consumer tests that ended; `count` is the number of interactions. */
  consumerTestsRan(count: number | bigint): Outcome;

  /** Reports a provider verification that ended; `count` is the number of results. */
  pactsVerified(count: number | bigint): Outcome;

  /** Reports a plugin that was loaded. */
  pluginLoaded(name: string, version?: string): Outcome;

  /** Reports a mock server that was started. */
  mockServerStarted(): Outcome;

  /**
   * Has everything that was queued before put on disk at once, from where this process or the next one sends it. Waits
   * for no server. Use it in a process that may be killed. Resolves with `kept` when the events are on disk, and with
   * `error_timeout` if some are not after the time (1000 ms by default). The exit of the process, and of a worker
   * thread that is not terminated, does the same by itself, in 50 ms at most. So does a child process with an IPC
   * channel, such as a worker of Vitest or Jest: for the first event of a turn of its event loop at once, and for the
   * others at the next turn.
   */
  persist(timeoutMs?: number): Promise<Outcome>;

  /**
   * Has everything that was queued before sent at once. Resolves when each event is sent, kept on disk or lost, and
   * with `error_timeout` if some still wait after the time (1000 ms by default). Blocks neither the event loop nor
   * `process.exit`.
   */
  flush(timeoutMs?: number): Promise<Outcome>;

  /** Takes no more events, flushes, and frees the client. Called again, it returns the same promise. */
  close(timeoutMs?: number): Promise<Outcome>;

  /** Says whether the client is on, which rule decided, and what each rule read. */
  explain(): Explanation;

  /** Says what became of the events. */
  stats(): Stats;

  /** Shows the request that would carry this event. Sends nothing. */
  preview(
    event: string,
    category: string,
    action: string,
    value?: number | bigint,
    pluginName?: string | null,
    pluginVersion?: string | null,
  ): Preview;
}

// The names of the events, for `track`.
export declare const EVENT_PACT_CONSUMER_TESTS_RAN: 'Pact consumer tests ran';
export declare const EVENT_PACTS_VERIFIED: 'Pacts verified';
export declare const EVENT_PLUGIN_LOADED: 'Plugin loaded';
export declare const EVENT_PACT_MOCK_SERVER_STARTED: 'Pact mock server started';
export declare const CATEGORY_CONSUMER_TEST: 'ConsumerTest';
export declare const CATEGORY_PROVIDER_TEST: 'ProviderTest';
export declare const CATEGORY_PLUGIN: 'Plugin';
export declare const ACTION_COMPLETED: 'Completed';
export declare const ACTION_LOADED: 'Loaded';
export declare const ACTION_MOCK_SERVER_STARTED: 'MockServerStarted';
export declare const DATA_SOURCE_CLI: 'cli';
export declare const DATA_SOURCE_CLIENT: 'client';
export declare const DATA_SOURCE_BROKER: 'broker';
