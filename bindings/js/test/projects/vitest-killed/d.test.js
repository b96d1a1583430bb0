// Two events and no close: the runner may kill the process or the thread that runs this file at any time.
import { expect, test } from 'vitest';
import { TelemetryClient } from '../../../lib/index.mjs';

test('two events', () => {
  const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
  expect(client.consumerTestsRan(2)).toBe('ok');
  expect(client.pactsVerified(3)).toBe('ok');
  if (process.env.KEEP_ALIVE) setInterval(() => {}, 1000);
});
