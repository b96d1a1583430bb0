import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { PACKAGE, collect, environmentFor, run } from './support.mjs';

test('the example reports its four events', async () => {
  const collector = await collect();
  const ended = await run(['examples/events.mjs'], { env: environmentFor(collector.url) });
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
  assert.match(ended.stdout, /closed: +ok/);
  const labels = (await collector.events(4)).map(({ fields }) => fields.event);
  assert.equal(new Set(labels).size, 4);
  await collector.stop();
});

test("the README's first program and its command line report one event", async () => {
  const readme = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
  const firstScreen = readme.split('\n').slice(0, 35).join('\n');
  const [, program] = firstScreen.match(/```js\n(.*?)```/s);
  const variables = [...firstScreen.matchAll(/\b(PACT_TELEMETRY_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]);
  const env = Object.fromEntries(variables.filter(([name]) => name !== 'PACT_TELEMETRY_DEBUG'));
  assert.equal(env.PACT_TELEMETRY_NOTICE, 'seen');
  const collector = await collect();
  env.PACT_TELEMETRY_ENDPOINT = env.PACT_TELEMETRY_ENDPOINT.replace('http://127.0.0.1:PORT', collector.url);
  const ended = await run(['--input-type=module', '-e', program], { env });
  assert.deepEqual([ended.stdout, ended.stderr], ['ok\nok\n', '']);
  assert.equal((await collector.events(1)).length, 1);
  const debug = await run(['--input-type=module', '-e', program], { env: { ...env, PACT_TELEMETRY_DEBUG: 'true' } });
  assert.match(debug.stderr, /pact_consumer_tests_ran/);
  assert.equal((await collector.events()).length, 1);
  await collector.stop();
});

test('the example without a library runs all the same', async () => {
  const ended = await run(['examples/events.mjs'], { library: '/nowhere.so' });
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stdout, /No telemetry: \/nowhere\.so cannot be loaded/);
});

test('a real consumer test of Pact JS reports the true number of its interactions', async () => {
  const collector = await collect();
  const nowhere = 'http://127.0.0.1:9';
  const here = '127.0.0.1,localhost';
  const env = {
    ...environmentFor(collector.url),
    // What Pact JS itself reports does not leave this machine.
    ...{ HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, http_proxy: nowhere, https_proxy: nowhere },
    ...{ NO_PROXY: here, no_proxy: here },
  };
  const ended = await run(['--test', 'examples/pact-consumer.test.mjs'], { env });
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stdout + ended.stderr);
  const events = await collector.events(1);
  await collector.stop();
  assert.deepEqual(
    events.map(({ fields }) => [fields.event, fields.value, fields.test_framework]),
    [['Pact consumer tests ran', '3', 'node:test']],
  );
});
