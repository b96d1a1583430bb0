// A running collector with its page, and a client that sends it events. Every wait has an end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';

const root = new URL('../../../', import.meta.url).pathname;
const command = process.env.PACT_TELEMETRY_COMMAND ?? `${root}target/debug/pact-telemetry`;

// No collector outlives its test, even if that is interrupted: a signal by itself would not run the handler of `exit`.
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
process.once('SIGTERM', () => process.exit(143));

export class Collector {
  /** Starts it, on the given port if there is one. Without a PATH it finds no browser to open. */
  static async start(port = 0) {
    const collector = new Collector();
    const child = spawn(command, ['collect', '--open', '--port', port], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, PATH: '', PACT_TELEMETRY_PAGE_TOKEN: TOKEN },
    });
    collector.child = child;
    running.add(child);
    const lines = createInterface(child.stdout);
    const first = await once(lines, 'line', { signal: AbortSignal.timeout(20_000) });
    lines.on('line', () => {});
    collector.listening = JSON.parse(first[0]);
    collector.url = collector.listening.page;
    collector.port = Number(new URL(collector.url).port);
    collector.agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    return collector;
  }

  async end() {
    this.agent.destroy();
    this.child.kill('SIGKILL');
    running.delete(this.child);
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }

  post(path, body, headers = {}) {
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.agent, headers, signal: AbortSignal.timeout(20_000) };
      const request = http.request(new URL(path, this.url), options, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      });
      request.on('error', reject).end(body);
    });
  }

  /** One GA4 request with these events: each an object of parameters, and its name. */
  ga4(events, headers) {
    const named = events.map(({ name = 'pacts_verified', ...params }) => ({ name, params }));
    const body = JSON.stringify({ client_id: '1842609152.2297473105', consent: CONSENT, events: named });
    return this.post('/mp/collect?measurement_id=G-PACT&api_secret=not-a-secret', body, headers);
  }
}

// The same for each run, so that a page can continue with another run.
const TOKEN = 'a-token-of-the-tests';

const CONSENT = { ad_user_data: 'DENIED', ad_personalization: 'DENIED' };

/** The published list: what is collected, and its keys. */
export function publishedFields() {
  const list = /^\| ([^|]+) \| [^|]+ \| [^|]+ \| `?(\w+)`? \| `(\w+)` \| [^|]+ \|$/gm;
  const rows = readFileSync(`${root}docs/privacy.md`, 'utf8').matchAll(list);
  return [...rows].map(([, what, ga4, ua]) => ({ label: what[0].toUpperCase() + what.slice(1), ga4, ua }));
}

/** Parameters of an event as a Pact library sends them. */
export function event(changes = {}) {
  return {
    api_version: '2',
    library_title: 'Pact JS',
    library_name: 'pact-js',
    library_version: '16.4.0',
    data_source: 'client',
    os_arch: 'linux-x86_64',
    test_framework: 'Jest',
    platform_version: '22.11.0',
    event_label: 'Pacts verified',
    event_category: 'ProviderTest',
    event_action: 'Completed',
    metric_value: 3,
    session_id: '1790000000',
    engagement_time_msec: 1,
    ...changes,
  };
}
