// Not run: tsc checks that `await using` works if the program's `lib` declares it.
import { TelemetryClient } from '@pact-foundation/telemetry';

await using client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
export const disposed: Promise<void> = client[Symbol.asyncDispose]();
