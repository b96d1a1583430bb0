// Reports one event through the binding of the source tree, as a Pact library would while tests run.
const { TelemetryClient } = require(process.env.BINDING);

const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
module.exports = (number) => client.consumerTestsRan(Number(process.env.BASE) + number);
