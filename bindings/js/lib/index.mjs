// The same class for `import`: two copies of the package would load the library twice.
import client from './client.js';

export const { TelemetryClient } = client;
