import { expect, test } from 'vitest';
import { TelemetryClient } from '../../../lib/index.mjs';

test('another file in another thread or process, with a client left open', async () => {
  const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
  expect(client.unavailableReason).toBeNull();
  expect(client.pactsVerified(3)).toBe('ok');
  // This waits for the delivery, because Vitest kills its processes.
  expect(await client.flush(5_000)).toBe('ok');
});
