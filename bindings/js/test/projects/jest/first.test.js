const { TelemetryClient } = require('@pact-foundation/telemetry');

const library = { id: 'pact-js', name: 'Pact JS', version: '1.0.0' };

test('the binding works in a sandbox of Jest', async () => {
  const client = new TelemetryClient({ library });
  expect(client.unavailableReason).toBeNull();
  expect(client.consumerTestsRan(2)).toBe('ok');
  expect(await client.close(5_000)).toBe('ok');
});

test('an opt-out in the copy of the environment that Jest makes holds', () => {
  const client = new TelemetryClient({ library });
  process.env.PACT_DO_NOT_TRACK = 'true';
  expect(client.pactsVerified(9)).toBe('disabled');
  expect(client.enabled).toBe(false);
  delete process.env.PACT_DO_NOT_TRACK;
  expect(client.enabled).toBe(true);
});

test('flush and close work with fake timers', async () => {
  jest.useFakeTimers();
  const client = new TelemetryClient({ library });
  expect(client.mockServerStarted()).toBe('ok');
  expect(await client.flush(5_000)).toBe('ok');
  expect(await client.close(5_000)).toBe('ok');
  jest.useRealTimers();
});
