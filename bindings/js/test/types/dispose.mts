// Not run: tsc checks that `await using` works where the program's `lib` has what it takes.
import { TelemetryClient } from '@pact-foundation/telemetry';

await using client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
export const disposed: Promise<void> = client[Symbol.asyncDispose]();
