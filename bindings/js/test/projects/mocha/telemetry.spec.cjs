const assert = require('node:assert/strict');
const { TelemetryClient } = require('@pact-foundation/telemetry');

describe('the binding', () => {
    it('works', async () => {
        const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
        assert.equal(client.unavailableReason, null);
        assert.equal(client.consumerTestsRan(2), 'ok');
        assert.equal(await client.close(5_000), 'ok');
    });
});
