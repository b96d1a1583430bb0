import { expect, test, vi } from 'vitest';
import { TelemetryClient } from '../../../lib/index.mjs';

const library = { id: 'pact-js', name: 'Pact JS', version: '1.0.0' };

test('the binding works', async () => {
  const client = new TelemetryClient({ library });
  expect(client.unavailableReason).toBeNull();
  expect(client.consumerTestsRan(2)).toBe('ok');
  expect(await client.close(5_000)).toBe('ok');
});

test('an opt-out in the environment holds, and so does one that Vitest stubs', () => {
  const client = new TelemetryClient({ library });
  process.env.PACT_DO_NOT_TRACK = 'true';
  expect(client.pactsVerified(9)).toBe('disabled');
  delete process.env.PACT_DO_NOT_TRACK;
  vi.stubEnv('DO_NOT_TRACK', '1');
  expect(client.pactsVerified(9)).toBe('disabled');
  vi.unstubAllEnvs();
  expect(client.enabled).toBe(true);
});

test('flush works with fake timers', async () => {
  vi.useFakeTimers();
  const client = new TelemetryClient({ library });
  expect(client.mockServerStarted()).toBe('ok');
  expect(await client.flush(5_000)).toBe('ok');
  vi.useRealTimers();
});
