// explain, stats and preview return every key that lib/index.d.ts promises, in every state of the client.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { TelemetryClient } from '@pact-foundation/telemetry';
import { PACKAGE, collect, optionsFor, run } from './support.mjs';

const types = readFileSync(path.join(PACKAGE, 'lib/index.d.ts'), 'utf8');

/** The keys of an interface that have no question mark. */
function promised(name) {
  const [, base, body] = types.match(new RegExp(`interface ${name}(?: extends (\\w+))? {\n(.*?)\n}`, 's'));
  const own = [...body.matchAll(/^ {2}(\w+): /gm)].map(([, key]) => key);
  assert.ok(own.length > 1, `${name}: ${own}`);
  return [...own, ...(base ? promised(base) : [])];
}

/** The members of a union of strings. */
function union(name) {
  const [, body] = types.match(new RegExp(`type ${name} =(.*?);`, 's'));
  return [...body.matchAll(/'(\w+)'/g)].map(([, member]) => member);
}

const ANSWERS = { Explanation: 'explain', Stats: 'stats', Preview: 'preview' };

/** Asserts that the three answers have every key that is promised; null is a value, undefined is a missing key. */
function assertWhole({ explain, stats, preview }, outcome, why) {
  for (const [name, told] of Object.entries({ Explanation: explain, Stats: stats, Preview: preview })) {
    for (const key of promised(name)) assert.notEqual(told[key], undefined, `${ANSWERS[name]}().${key}`);
    if (outcome !== undefined) assert.equal(told.outcome, outcome, ANSWERS[name]);
    if (why === null) assert.equal(told.reason, null);
    else if (why !== undefined) assert.match(told.reason, why);
  }
  assert.equal(typeof explain.notice.text, 'string');
  assert.ok(Array.isArray(explain.rules) && Array.isArray(explain.diagnostics) && explain.hostRules.length >= 4);
  const { accepted, delivered, unconfirmed, queued, spooled, dropped, not_accepted } = stats;
  assert.deepEqual(Object.keys(stats.left_by_others).sort(), ['delivered', 'dropped', 'unconfirmed']);
  for (const reason of union('DropReason')) assert.equal(typeof dropped[reason], 'number', `dropped.${reason}`);
  for (const reason of union('RefusalReason')) assert.equal(typeof not_accepted[reason], 'number', reason);
  const lost = Object.values(dropped).reduce((sum, one) => sum + one, 0);
  assert.equal(accepted, delivered + unconfirmed + queued + spooled + lost, 'the counters balance');
}

const EVENT = ['Pacts verified', 'ProviderTest', 'Completed'];
const ask = (client) => ({ explain: client.explain(), stats: client.stats(), preview: client.preview(...EVENT) });

let collector;
let options;
beforeEach(async () => {
  collector = await collect();
  options = optionsFor(collector.url);
});
afterEach(() => collector.stop());

test('every key is there when the client is on, before and after an event', async () => {
  const client = new TelemetryClient(options);
  assertWhole(ask(client), 'ok', null);
  client.pactsVerified(1);
  assert.equal(await client.flush(5_000), 'ok');
  const told = ask(client);
  assertWhole(told, 'ok', null);
  assert.equal(told.explain.state, 'enabled');
  assert.deepEqual([told.stats.accepted, told.stats.delivered], [1, 1]);
  await client.close();
});

test('every key is there after a close, and the last counts stay', async () => {
  const client = new TelemetryClient(options);
  client.pactsVerified(1);
  client.pactsVerified(-1);
  assert.equal(await client.close(5_000), 'ok');
  const told = ask(client);
  assertWhole(told, 'closed', /closed/);
  assert.deepEqual([told.explain.state, told.explain.enabled], ['closed', false]);
  const { accepted, delivered, not_accepted } = told.stats;
  assert.deepEqual([accepted, delivered, not_accepted.invalid], [1, 1, 1]);
});

test('every key is there when the program or the environment turned it off, or it is not configured', async () => {
  const off = new TelemetryClient({ ...options, enabled: false });
  assertWhole(ask(off), 'ok', null);
  assert.deepEqual([off.explain().state, off.explain().rule], ['disabled', 'host']);
  await off.close();
  process.env.DO_NOT_TRACK = '1';
  try {
    const client = new TelemetryClient(options);
    client.pactsVerified(1);
    assertWhole(ask(client), 'ok', null);
    assert.deepEqual([client.explain().enabled, client.explain().rule], [false, 'DO_NOT_TRACK']);
    await client.close();
  } finally {
    delete process.env.DO_NOT_TRACK;
  }
  const unset = new TelemetryClient({ library: options.library });
  const told = ask(unset);
  assertWhole(told);
  assert.equal(told.preview.outcome === 'ok' ? null : typeof told.preview.reason, told.preview.reason && 'string');
  await unset.close();
});

test('every key is there when the client is unavailable because of wrong options or a missing library', async () => {
  const wrong = new TelemetryClient({});
  assertWhole(ask(wrong), 'unavailable', /`library` is missing/);
  assert.deepEqual([wrong.explain().state, wrong.explain().enabled, wrong.stats().accepted], ['unavailable', false, 0]);
  const code = `
    const { TelemetryClient } = require('@pact-foundation/telemetry');
    const client = new TelemetryClient({ library: { id: 'pact-js', name: 'Pact JS', version: '1.0.0' } });
    const preview = client.preview('a', 'b', 'c');
    console.log(JSON.stringify({ explain: client.explain(), stats: client.stats(), preview }));`;
  const ended = await run(['-e', code], { library: '/nowhere.so' });
  assertWhole(JSON.parse(ended.stdout), 'unavailable', /nowhere\.so cannot be loaded/);
});

test('the preview of an event that is refused says so', async () => {
  const client = new TelemetryClient(options);
  const preview = client.preview('see /etc/passwd', 'b', 'c');
  assertWhole({ ...ask(client), preview });
  assert.equal(preview.outcome, 'error_forbidden');
  assert.match(preview.reason, /error_forbidden/);
  assert.deepEqual([preview.method, preview.url, preview.body], [null, null, null]);
  await client.close();
});

/** The keys in the first column of a table in docs/config.md. */
function documented(heading) {
  const config = readFileSync(path.join(PACKAGE, '../../docs/config.md'), 'utf8');
  const [, table] = config.split(`${heading}\n`)[1].match(/\n((?:\|.*\n)+)/);
  return [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/`([\w.]+)`/g)].map(([, key]) => key),
  );
}
const camelCase = (key) => key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

test('the types have every documented key of stats and every documented option', () => {
  const keys = documented('## What `stats` tells');
  assert.ok(keys.length > 6, keys);
  for (const key of keys) assert.ok(promised('Stats').includes(key), key);
  const [, taken] = types.match(/interface TelemetryOptions {\n(.*?)\n}/s);
  const options = [...taken.matchAll(/^ {2}(\w+)\??: /gm)].map(([, key]) => key);
  const wanted = new Set(documented('# Configuration').map((key) => camelCase(key.split('.')[0])));
  assert.deepEqual(options.sort(), [...wanted].sort());
  const readme = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
  for (const option of options) assert.match(readme, new RegExp(`^\\|.*\`${option}\``, 'm'), 'README.md');
});

test('the types have every key that the library returns', async () => {
  const client = new TelemetryClient(options);
  const { dropped, not_accepted, ...others } = client.stats();
  assert.deepEqual(Object.keys({ ...others, dropped, not_accepted }).sort(), promised('Stats').sort());
  assert.deepEqual(Object.keys(dropped).sort(), union('DropReason').sort());
  assert.deepEqual(Object.keys(not_accepted).sort(), union('RefusalReason').sort());
  await client.close();
});

test('changing an answer does not change later answers', async () => {
  const client = new TelemetryClient({});
  client.stats().dropped.expired = 5;
  client.explain().rules.push('x');
  client.explain().notice.text = 'x';
  assert.equal(client.stats().dropped.expired, 0);
  assert.deepEqual([client.explain().rules, client.explain().notice.text], [[], '']);
});
