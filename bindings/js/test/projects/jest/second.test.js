// For this second file Jest evaluates the package and koffi again in the same process.
const { TelemetryClient } = require('@pact-foundation/telemetry');

test('the library can be loaded again, and a client may be left open', () => {
  jest.useFakeTimers();
  jest.isolateModules(() => {
    const again = require('@pact-foundation/telemetry');
    expect(again.TelemetryClient).not.toBe(TelemetryClient);
    const client = new again.TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
    expect(client.unavailableReason).toBeNull();
    expect(client.pactsVerified(3)).toBe('ok');
  });
});
