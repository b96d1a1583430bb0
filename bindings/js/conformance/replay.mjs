#!/usr/bin/env node
// Replays the calls of tests/conformance through the native layer: a JSON object per line in, one per line out.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { load } = createRequire(import.meta.url)('../lib/loader.js');

const loaded = load();
if (typeof loaded === 'string') {
  console.error(loaded);
  process.exit(1);
}
const { native } = loaded;
const ERROR_BYTES = 512;
const TEXT_BYTES = 65_536;

/** A text argument: a string, bytes as `{"hex": "c328"}`, or NULL. A string with a NUL ends there, as in C. */
function text(argument) {
  if (argument?.hex !== undefined) return Buffer.from(`${argument.hex}00`, 'hex');
  return argument ?? null;
}

/** What the library wrote into a buffer, or the negative status. */
function told(write, capacity = TEXT_BYTES) {
  const out = capacity > 0 ? Buffer.alloc(capacity) : null;
  const length = write(out, capacity);
  return length < 0 || out === null ? Math.min(length, 0) || '' : out.toString('utf8', 0, out.indexOf(0));
}

function event(call) {
  const texts = [call.event, call.category, call.action].map(text);
  return [...texts, call.value ?? 0, text(call.plugin_name), text(call.plugin_version)];
}

const CALLS = {
  track: (client, call) => native.track(client, ...event(call)),
  preview: (client, call) => told((...out) => native.preview(client, ...event(call), ...out), call.capacity),
  explain: (client, call) => told((...out) => native.explain(client, ...out), call.capacity),
  stats: (client, call) => told((...out) => native.stats(client, ...out), call.capacity),
  set_enabled: (client, call) => native.set_enabled(client, call.enabled),
  is_enabled: (client) => native.is_enabled(client),
  persist: (client, call) => native.persist(client, call.timeout_ms),
  flush: (client, call) => native.flush(client, call.timeout_ms),
  close: (client, call) => native.close(client, call.timeout_ms),
  status_name: (_, call) => native.status_name(call.status),
  version: () => native.version(),
  abi_version: () => native.abi_version(),
  setenv(_, { name, value }) {
    if (value === null || value === undefined) delete process.env[name];
    else process.env[name] = value;
    return 0;
  },
};

/** Parses a line exactly; `JSON.parse` alone would round a value that needs more than 53 bits. */
function parse(line) {
  const exact = line.replace(/("value"\s*:\s*)(-?\d{16,})/g, '$1{"bigint":"$2"}');
  return JSON.parse(exact, (_, value) => (value?.bigint === undefined ? value : BigInt(value.bigint)));
}

for await (const line of createInterface({ input: process.stdin })) {
  const { name, config, calls } = parse(line);
  const error = Buffer.alloc(ERROR_BYTES);
  const client = native.new(text(config), error, ERROR_BYTES);
  const refused = client === null || client === 0n;
  const results = calls.map((call) => CALLS[call.call]?.(client, call) ?? 'unsupported');
  native.free(client);
  const answer = { name, new: refused ? error.toString('utf8', 0, error.indexOf(0)) : null, results };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
