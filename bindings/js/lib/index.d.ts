/**
 * What became of a call, as the library names it. `ok`: done. `disabled`, `not_configured`, `queue_full`, `closed`:
 * fine, but nothing was queued. `lost`: events were lost that no earlier call told of; `stats()` says why. `kept`:
 * nothing was lost, but some of it waits on disk for another attempt. `error_…`: an event that is not as it must be,
 * a time-out, or a fault of the library's. `unavailable`: there is no library, see `unavailableReason`. None is a
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
  | 'unavailable';

/** The keys of the library's config in camel case; docs/config.md describes each. */
export interface TelemetryOptions {
  /** The library that reports. */
  library: {
    /** Machine name, such as `pact-js`. */
    id: string;
    /** Human name, such as `Pact JS`. */
    name: string;
    version: string;
  };
  /** What kind of program reports. Default: `client`. */
  dataSource?: 'cli' | 'client' | 'broker' | null;
  /** Default: Jest, Vitest, Mocha or node:test, if one of them runs this code. `null` for none. */
  testFramework?: string | null;
  /** Default: such as `Node 20.11.0`. `null` for none. */
  platformVersion?: string | null;
  /** The host's own switch. Default: true. */
  enabled?: boolean | null;
  /** Wire format. Default: `ga4`. */
  protocol?: 'ga4' | 'universal-analytics' | 'otlp' | null;
  endpoint?: string | null;
  /** Credentials of a GA4 data stream, together with `apiSecret`. Default: built in. */
  measurementId?: string | null;
  apiSecret?: string | null;
  /** Credentials of a Universal Analytics property. Default: built in. */
  trackingId?: string | null;
  /** How many events may wait, 1 to 4096. */
  queueCapacity?: number | null;
  /** Absolute path of the directory for what must survive the process. */
  stateDir?: string | null;
  /** The longest that the end of the process waits for answers, 0 to 10000. */
  exitTimeoutMs?: number | null;
  /**
   * Who tells the person, once, before anything leaves the machine. Default: `stderr`, the library. `host`: you do,
   * with the text in `explain().notice`, and from then on make clients with `shown`; until then nothing leaves.
   */
  notice?: 'stderr' | 'host' | 'shown' | null;
  /** What stands for the machine: the digest of its name (default), or a random identifier. */
  id?: 'hostname' | 'random' | null;
}

/** What the answers of `explain`, `stats` and `preview` have in common. Every key is there in every state. */
interface Answer {
  /** `ok`, or why the library does not answer: `unavailable`, `closed`, `error_…`. */
  outcome: Outcome;
  /** Why the outcome is not `ok`, in words; null if it is. */
  reason: string | null;
}

/** What one rule of consent says, and what it read; null for nothing. */
export interface Rule {
  rule: string;
  says: 'on' | 'off' | 'no opinion';
  read: unknown;
  /** The file that was looked at. */
  path?: string;
}

/** The library's answer, see `pact_telemetry_explain`, with the opt-outs that only JavaScript sees. */
export interface Explanation extends Answer {
  /** Would an event be queued now? */
  enabled: boolean;
  /** Such as `enabled`, `disabled`, `not configured`, `unavailable` or `closed`. */
  state: string;
  /** The rule that turned it off, or null; `host` also stands for what one of `hostRules` says. */
  rule: string | null;
  /** What each rule of the library says. */
  rules: Rule[];
  /** What each rule of this package says. */
  hostRules: Rule[];
  /** When the person was told (milliseconds since 1970; null: not yet), and what to tell. */
  notice: { shown_ms: number | null; hold_until_ms: number | null; text: string };
  /** What the library has to say about the configuration, such as keys that it does not know. */
  diagnostics: string[];
  /** What stands for the machine. This and what follows is null where the library does not answer. */
  id: 'hostname' | 'random' | null;
  protocol: 'ga4' | 'universal-analytics' | 'otlp' | null;
  endpoint: string | null;
  /** The digest that stands for the endpoint and its credentials on disk. */
  destination: string | null;
  state_dir: string | null;
  queue_capacity: number | null;
  exit_timeout_ms: number | null;
  /** Does this run in CI? There events go at once. */
  ci: boolean | null;
  /** Are there all credentials that the protocol needs? */
  configured: boolean | null;
  /** Are requests printed instead of sent? */
  debug: boolean | null;
}

/** Why accepted events did not arrive; docs of the library tell what each means. */
export type DropReason =
  'debug' | 'expired' | 'http_status' | 'internal' | 'no_notice' | 'not_persisted' | 'opted_out' | 'spool_full';

/** Why events were not accepted. */
export type RefusalReason = 'closed' | 'disabled' | 'invalid' | 'not_configured' | 'queue_full';

/**
 * What became of the events: `accepted` = `delivered` + `unconfirmed` + `queued` + `spooled` + the sum of `dropped`.
 * After `close` these are the last counts, without a library zeros.
 */
export interface Stats extends Answer {
  accepted: number;
  delivered: number;
  /** Sent whole, but the answer was not heard; these are not sent again. */
  unconfirmed: number;
  /** They wait in memory. */
  queued: number;
  /** They wait on disk. */
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

/** `[Symbol.asyncDispose]()`, for `await using`, where the program's `lib` knows of it; nothing elsewhere. */
type AsyncDispose = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { [method in Key]: () => Promise<void> }
  : {};

/** The method that `await using` calls is `close()`. */
export interface TelemetryClient extends AsyncDispose {}

/**
 * Reports the anonymous usage events of one library. No method throws or rejects, whatever it is given. One that cannot
 * work (no library for this machine, wrong options) does nothing and says why in `unavailableReason`.
 */
export class TelemetryClient {
  /** Starts nothing: no thread, no socket, no file before the first event that is accepted. */
  constructor(options: TelemetryOptions);

  /** Why this client does nothing; null if it works. */
  readonly unavailableReason: string | null;

  /** Would an event be queued now? Set to false: what waits is thrown away. The person's own choice always holds. */
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

  /** A run of consumer tests ended, with so many interactions. */
  consumerTestsRan(count: number | bigint): Outcome;

  /** A provider verification ended, with so many results. */
  pactsVerified(count: number | bigint): Outcome;

  /** A plugin was loaded. */
  pluginLoaded(name: string, version?: string): Outcome;

  /** A mock server was started. */
  mockServerStarted(): Outcome;

  /**
   * Has everything put on disk that was queued before, at once, and waits for no server: what is on disk, the next
   * process sends. For a program that ends without ceremony, such as a worker that is killed. Resolves with `kept` if
   * it waits on disk, with `error_timeout` if some of it is not there after the time (1000 ms by default). The end of
   * the process, and of a worker thread by itself, does the same without being asked, in 50 ms at most.
   */
  persist(timeoutMs?: number): Promise<Outcome>;

  /**
   * Has everything sent that was queued before, at once. Resolves when it is settled, with `error_timeout` if some of
   * it still waits after the time (1000 ms by default). Blocks neither the event loop nor `process.exit`.
   */
  flush(timeoutMs?: number): Promise<Outcome>;

  /** Takes no more events, flushes, and gives the client back. Called again it answers as the first time. */
  close(timeoutMs?: number): Promise<Outcome>;

  /** Tells whether the client is on, which rule decided, and what each rule read. */
  explain(): Explanation;

  /** Tells what became of the events. */
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
