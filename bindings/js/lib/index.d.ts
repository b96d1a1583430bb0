/**
 * What became of a call, as the library names it. `ok`: done. `disabled`, `not_configured`, `queue_full`, `closed`:
 * fine, but nothing was queued. `lost`: nothing waits any more, but some of it was lost; `stats()` says why. `kept`:
 * nothing was lost, but some of it waits on disk for another attempt. `error_…`: an event that is not as it must be, a
 * time-out, or a fault of the library's. `unavailable`: there is no library, see `unavailableReason`. A later library
 * may know more of them. None is a reason to stop a test.
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
  | (string & {});

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
  protocol?: 'ga4' | 'universal-analytics' | null;
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
   * Who tells the person, once, before anything leaves the machine. Default: `stderr`, the library. `host`: you do, with
   * the text in `explain().notice`, and from then on make clients with `shown`; until then nothing leaves.
   */
  notice?: 'stderr' | 'host' | 'shown' | null;
  /** What stands for the machine: the digest of its name (default), or a random identifier. */
  id?: 'hostname' | 'random' | null;
}

/** What one of the host's opt-outs says. */
export interface HostRule {
  rule: string;
  says: 'off' | 'no opinion';
  /** What was found; null for nothing. */
  read: unknown;
  /** The file that was looked at. */
  path?: string;
}

/** The library's answer, see `pact_telemetry_explain`, with the opt-outs that only JavaScript sees. */
export interface Explanation {
  enabled: boolean;
  /** Only without a library, and after `close`. */
  outcome?: Outcome;
  /** Only without a library: why. */
  reason?: string | null;
  state?: string;
  /** The rule that turned it off; `host` also stands for what one of `hostRules` says. */
  rule?: string | null;
  rules?: { rule: string; says: string; read: unknown; path?: string }[];
  /** When the person was told (milliseconds since 1970; null: not yet), and what to tell. */
  notice?: { shown_ms: number | null; text: string };
  /** What stands for the machine. */
  id?: 'hostname' | 'random';
  hostRules: HostRule[];
  diagnostics?: string[];
  [key: string]: unknown;
}

/** `accepted` = `delivered` + `queued` + the sum of `dropped`; `outcome` instead if there is nothing to tell. */
export interface Stats {
  outcome?: Outcome;
  reason?: string | null;
  accepted?: number;
  delivered?: number;
  queued?: number;
  dropped?: Record<string, number>;
  not_accepted?: Record<string, number>;
  [key: string]: unknown;
}

/** The request that would carry an event alone; `outcome` instead for an event that would not be taken. */
export interface Preview {
  outcome?: Outcome;
  reason?: string | null;
  method?: string;
  url?: string;
  content_type?: string;
  body?: string;
  [key: string]: unknown;
}

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
   * Has everything sent that was queued before, at once. Resolves when it is settled, with `error_timeout` if some of it
   * still waits after the time (1000 ms by default). Blocks neither the event loop nor `process.exit`.
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

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
