// A consumer test with Pact JS that reports how many interactions it ran. Run it with `node --test`. The telemetry of
// Pact JS itself goes to an address that accepts nothing any more, and obeys the same opt-out as this package. To block
// it and still see the event of this package arrive, set HTTP_PROXY and HTTPS_PROXY to a closed port, and NO_PROXY to
// 127.0.0.1.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { MatchersV3, PactV3 } from '@pact-foundation/pact';
import { TelemetryClient } from '@pact-foundation/telemetry';

const telemetry = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '16.4.0' } });
const dir = mkdtempSync(path.join(tmpdir(), 'pacts-'));
const provider = new PactV3({ consumer: 'Kennel', provider: 'DogApi', dir, logLevel: 'error' });

for (const [id, name] of [
  [1, 'Rex'],
  [2, 'Bella'],
  [3, 'Fido'],
]) {
  test(`dog ${id} is ${name}`, async () => {
    provider
      .given(`dog ${id} exists`)
      .uponReceiving(`a request for dog ${id}`)
      .withRequest({ method: 'GET', path: `/dogs/${id}` })
      .willRespondWith({ status: 200, body: MatchersV3.like({ name }) });
    await provider.executeTest(async ({ url }) => {
      const response = await fetch(`${url}/dogs/${id}`);
      assert.deepEqual(await response.json(), { name });
    });
  });
}

after(async () => {
  const { interactions } = JSON.parse(readFileSync(path.join(dir, 'Kennel-DogApi.json'), 'utf8'));
  rmSync(dir, { recursive: true });
  telemetry.consumerTestsRan(interactions.length);
  await telemetry.close();
});
