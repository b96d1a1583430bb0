// Promises of the live page, in a real browser.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { launch, open } from './browser.mjs';
import { Collector, event, publishedFields } from './collector.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser, collector, page;
before(async () => (browser = await launch()));
after(() => browser.close());
beforeEach(async () => {
  collector = await Collector.start();
  page = await open(browser, collector);
});
afterEach(async () => {
  await collector.end();
  await page.context().close();
});

const options = () => page.getByRole('listbox', { name: 'Events' }).getByRole('option');
/** The option at that place, once it is drawn as the chosen one. */
const chosen = (place) => page.locator(`[role=option][aria-selected=true][aria-posinset="${place}"]`);
const details = () => page.getByRole('region', { name: 'The chosen event' });
const counts = (text) => page.locator('#counts').getByText(text, { exact: true });

/** Published fields that GA4 has among an event's parameters. */
const parameters = () => publishedFields().filter(({ ga4 }) => !['implicit', 'client_id'].includes(ga4));

/** What the fields' table says: name for people to [value, key]. */
async function fields() {
  const rows = await details().getByRole('table', { name: 'Fields' }).locator('tbody tr').all();
  const cells = await Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
  return new Map(cells.map(([label, value, key]) => [label, [value, key]]));
}

/** The numbers of a plot by category. */
async function bars(name) {
  const rows = await page.getByRole('table', { name }).getByRole('row').all();
  const cells = await Promise.all(rows.map((row) => row.locator('th, .count').allTextContents()));
  return Object.fromEntries(cells.map(([value, count]) => [value, Number(count.replaceAll(',', ''))]));
}

/** The sum of the bars over time, as drawn and as read out. */
async function overTime() {
  const plot = page.locator('#time');
  const drawn = await plot.locator('rect').evaluateAll((bars) => bars.map((bar) => Number(bar.dataset.count)));
  const said = await plot.getAttribute('aria-label');
  return [drawn.reduce((sum, count) => sum + count, 0), Number(said.split(' ')[0].replaceAll(',', ''))];
}

test('an event appears without a reload, with every published field under its name, and its raw request', async () => {
  const ga4 = parameters();
  assert.ok(ga4.length > 10);
  await collector.ga4([Object.fromEntries(ga4.map(({ ga4 }) => [ga4, `value of ${ga4}`]))], { 'x-mark': 'a header' });
  await options().click();
  const shown = await fields();
  for (const { label, ga4: key } of ga4) assert.deepEqual(shown.get(label), [`value of ${key}`, key]);
  assert.deepEqual(shown.get('Hash of hostname'), ['1842609152.2297473105', 'client_id']);
  assert.deepEqual(shown.get('Event name'), ['pacts_verified', 'name']);
  assert.deepEqual(shown.get('Consent, ad user data'), ['DENIED', 'consent.ad_user_data']);
  const raw = await details().locator('pre').textContent();
  assert.match(raw, /^POST \/mp\/collect\?measurement_id=G-PACT&api_secret=not-a-secret HTTP\/1\.1\n/);
  assert.match(raw, /\nx-mark: a header\n/);
  assert.match(raw, /\n\n\{"client_id":"1842609152.2297473105",.*"value of os_arch".*\}$/);
  await details().getByText('No problem found.').waitFor();
  assert.deepEqual(page.faults, []);
});

test('both protocols are shown under the same names, and what is not sent is said', async () => {
  const sent = publishedFields().filter(({ ua }) => ua !== 'cd4');
  await collector.post('/collect', sent.map(({ ua }) => `${ua}=${ua}-value`).join('&') + '&zz=9');
  await options().click();
  const shown = await fields();
  for (const { label, ua } of sent) assert.deepEqual(shown.get(label), [`${ua}-value`, ua]);
  assert.deepEqual(shown.get('Plugin name'), ['not sent', 'cd4']);
  assert.deepEqual(shown.get('(unknown)'), ['9', 'zz']);
});

test('the findings of the strict validator are shown, also for a request without an event', async () => {
  await collector.ga4([event({ os_arch: 'x'.repeat(101) })]);
  await options().getByText('1 problem').click();
  await details().getByText('VALUE_OUT_OF_BOUNDS events[0].params.os_arch: has 101 characters').waitFor();
  await collector.post('/mp/collect?measurement_id=G-1&api_secret=s', '{broken');
  await options().getByText('(no event)').click();
  await details().getByText('carries no event: body is not JSON').waitFor();
  await counts('1 event, 1 shown').waitFor();
});

test('filters work by keyboard alone, and so does choosing an event', async () => {
  const labels = ['Pacts verified', 'Plugin loaded'];
  const sent = ['pact-js', 'pact-go', 'pact-go'].flatMap((library_name) =>
    ['cli', 'client'].flatMap((data_source) =>
      labels.map((event_label) => event({ library_name, data_source, event_label })),
    ),
  );
  await collector.ga4(sent);
  await counts('12 events, 12 shown').waitFor();
  const focusOn = async (name) => {
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press('Tab');
      const label = await page.evaluate(() => {
        const { activeElement } = document;
        return activeElement.getAttribute('aria-label') ?? activeElement.labels?.[0]?.textContent ?? '';
      });
      if (label.trim().startsWith(name)) return;
    }
    assert.fail(`${name} cannot be reached with the Tab key`);
  };
  await focusOn('Library');
  await page.keyboard.press('ArrowDown'); // pact-go, the first by name
  await counts('12 events, 8 shown').waitFor();
  await focusOn('Event');
  await page.keyboard.press('End');
  await counts('12 events, 4 shown').waitFor();
  await focusOn('Data source');
  await page.keyboard.press('ArrowDown');
  await counts('12 events, 2 shown').waitFor();
  await focusOn('Events, newest first');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await details().getByRole('heading', { name: 'Plugin loaded' }).waitFor();
  const active = await chosen(2).getAttribute('id');
  const list = page.getByRole('listbox', { name: 'Events' });
  assert.equal(await list.getAttribute('aria-activedescendant'), active);
  const shown = await fields();
  assert.deepEqual(shown.get('Library name'), ['pact-go', 'library_name']);
  assert.deepEqual(shown.get('Data source'), ['cli', 'data_source']);
});

test("the plots' numbers are those of the events that were sent, and follow the filters", async () => {
  const sent = [];
  const kinds = { 'pact-js': ['Jest', 7], 'pact-go': ['', 5], 'pact-jvm': ['JUnit', 3] };
  for (const [library_name, [test_framework, count]] of Object.entries(kinds)) {
    for (let at = 0; at < count; at++) {
      const os_arch = at % 2 ? 'macos-aarch64' : 'linux-x86_64';
      sent.push(event({ library_name, test_framework, os_arch, library_version: `1.${at % 3}` }));
    }
  }
  const tally = (events, name) => {
    const counts = {};
    for (const event of events) counts[name(event)] = (counts[name(event)] ?? 0) + 1;
    return counts;
  };
  const check = async (events) => {
    assert.deepEqual(await overTime(), [events.length, events.length]);
    assert.deepEqual(
      await bars('By library'),
      tally(events, (event) => event.library_name),
    );
    assert.deepEqual(
      await bars('By operating system'),
      tally(events, (event) => event.os_arch),
    );
    assert.deepEqual(
      await bars('By framework'),
      tally(events, (event) => event.test_framework || '(none)'),
    );
    const versions = tally(events, (event) => `${event.library_name} ${event.library_version}`);
    const drawn = await bars('By version');
    const others = Object.keys(drawn).filter((name) => / others?$/.test(name));
    const total = Object.values(drawn).reduce((sum, count) => sum + count, 0);
    assert.equal(total, events.length);
    for (const name of Object.keys(drawn)) if (!others.includes(name)) assert.equal(drawn[name], versions[name]);
  };
  await collector.ga4(sent);
  await counts('15 events, 15 shown').waitFor();
  await check(sent);
  await page.getByLabel('Library', { exact: true }).selectOption('pact-go');
  await counts('15 events, 5 shown').waitFor();
  await check(sent.filter((event) => event.library_name === 'pact-go'));
});

test('markup is shown as text, none of it runs, and a policy would stop it too', async () => {
  const markup = `<img src=x onerror="alert('ran')"><script>alert('ran')</script>"'&amp;`;
  const all = Object.fromEntries(parameters().map(({ ga4 }) => [ga4, markup]));
  await collector.ga4([{ ...all, name: markup, [markup]: markup }], { 'x-mark': markup });
  await collector.post(`/collect`, `el=${encodeURIComponent(markup)}&${encodeURIComponent(markup)}=1`);
  await counts('2 events, 2 shown').waitFor();
  for (const option of await options().all()) {
    await option.click();
    assert.equal(await details().getByRole('heading').first().textContent(), markup);
  }
  await page.getByLabel('Library', { exact: true }).selectOption(markup);
  await counts('2 events, 1 shown').waitFor();
  await options().click();
  const shown = await fields();
  assert.equal(shown.get('Operating system and architecture')[0], markup);
  assert.deepEqual(shown.get('(unknown)'), [markup, markup]);
  assert.ok((await details().locator('pre').textContent()).includes(`x-mark: ${markup}`));
  assert.equal(await page.locator('img, script:not([nonce])').count(), 0);
  assert.deepEqual(page.faults, []);
  const becomesMarkup = page.evaluate((markup) => (document.body.innerHTML = markup), markup);
  await assert.rejects(becomesMarkup, /TrustedHTML/);
});

test('an event of OpenTelemetry is shown under the same names, and its system as elsewhere', async () => {
  const attribute = ([key, stringValue]) => ({ key, value: { stringValue } });
  const resource = { 'service.name': 'pact-js', 'service.version': '1', 'os.type': 'darwin', 'host.arch': 'arm64' };
  const record = { eventName: 'pact.a', attributes: [{ key: 'pact.value', value: { intValue: '3' } }] };
  const scopeLogs = [{ scope: { name: 'x' }, logRecords: [record] }];
  const logs = { resource: { attributes: Object.entries(resource).map(attribute) }, scopeLogs };
  const body = JSON.stringify({ resourceLogs: [logs] });
  assert.equal(await collector.post('/v1/logs', body, { 'content-type': 'application/json' }), 200);
  await options().click();
  const shown = await fields();
  assert.deepEqual(shown.get('Library name'), ['pact-js', 'service.name']);
  assert.deepEqual(shown.get('Value'), ['3', 'pact.value']);
  assert.deepEqual(shown.get('Plugin name'), ['not sent', 'pact.plugin_name']);
  assert.deepEqual(await bars('By operating system'), { 'macos-aarch64': 1 });
  await details().getByText('No problem found.').waitFor();
});

test('characters that control a terminal or change the direction of reading are shown as their number', async () => {
  const hostile = 'a\u001b\u0085\u061c\u202e\u2066\u200bz';
  const shown = String.raw`a\u{1b}\u{85}\u{61c}\u{202e}\u{2066}\u{200b}z`;
  await collector.ga4([event({ library_name: hostile, event_label: hostile, [hostile]: hostile })], { 'x-mark': 'y' });
  await counts('1 event, 1 shown').waitFor();
  await options().click();
  await page.getByLabel('Library', { exact: true }).selectOption({ label: shown });
  await counts('1 event, 1 shown').waitFor();
  assert.equal((await fields()).get('Event')[0], shown);
  const all = await page.locator('body').evaluate((body) => body.innerText);
  assert.doesNotMatch(all, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
});

test('a burst of 10,000 events leaves the page smooth, and more leave it within its bounds', async (t) => {
  const burst = 10_000;
  const frames = await page.evaluateHandle(() => {
    const seen = { longest: 0, count: 0, longTasks: [], time: 0 };
    const start = performance.now();
    let last = start;
    const frame = (now) => {
      seen.time = now - start;
      seen.longest = Math.max(seen.longest, now - last);
      seen.count += 1;
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.longTasks.push(Math.round(entry.duration));
    });
    observer.observe({ type: 'longtask' });
    return seen;
  });
  const send = async (count) => {
    const batch = new Array(25).fill(event());
    const requests = new Array(count / batch.length).fill(batch);
    const sender = async () => {
      while (requests.length > 0) assert.equal(await collector.ga4(requests.pop()), 204);
    };
    await Promise.all([sender(), sender(), sender(), sender()]);
  };
  const sent = send(burst);
  await options().first().waitFor();
  await page.getByRole('listbox', { name: 'Events' }).press('ArrowDown');
  await details().getByRole('heading', { name: 'Pacts verified' }).waitFor();
  await sent;
  await counts('10,000 events, 10,000 shown').waitFor();
  const { longest, count, longTasks, time } = await frames.jsonValue();
  const busy = longTasks.reduce((sum, duration) => sum + duration, 0) / time;
  const share = `${Math.round(100 * busy)} % of the time in ${longTasks.length} tasks of more than 50 ms`;
  t.diagnostic(`${count} frames, longest gap ${Math.round(longest)} ms, ${share}`);
  // Generous, for a busy machine that draws without a graphics card. Drawing all rows would take 95 % of the time.
  assert.ok(busy < 0.6, share);
  assert.ok(longest < 3_000, `the page stood still for ${longest} ms`);
  assert.deepEqual(await overTime(), [burst, burst]);
  assert.deepEqual(await bars('By library'), { 'pact-js': burst });
  assert.ok((await page.locator('*').count()) < 600);

  await send(1_000);
  await counts('11,000 events, 10,000 shown, 1,000 no longer kept').waitFor();
  assert.ok((await page.locator('*').count()) < 600);
  await page.getByRole('listbox', { name: 'Events' }).press('End');
  await chosen(10_000).waitFor();
});

test('after scrolling, the same rows stay in sight', async () => {
  await collector.ga4(new Array(25).fill(event({ library_version: '1' })));
  await collector.ga4(new Array(25).fill(event({ library_version: '2' })));
  await counts('50 events, 50 shown').waitFor();
  const list = page.getByRole('listbox', { name: 'Events' });
  const inSight = () => list.evaluate((list) => (list.scrollHeight - list.scrollTop) / 28);
  await list.evaluate((list) => (list.scrollTop = 28 * 20));
  assert.equal(await inSight(), 30);
  await collector.ga4(new Array(25).fill(event({ library_version: '3' })));
  await counts('75 events, 75 shown').waitFor();
  assert.equal(await inSight(), 30);
});

test('the page continues after an interruption of the collector, also with another run of it', async () => {
  await collector.ga4([event()]);
  await counts('1 event, 1 shown').waitFor();
  const { port } = collector;
  await collector.end();
  await page.getByRole('status').getByText('Not connected to the collector; trying again').waitFor();
  collector = await Collector.start(port);
  await collector.ga4([event({ library_name: 'pact-go' })]);
  await counts('2 events, 2 shown').waitFor();
  await page.getByRole('status').getByText('Live').waitFor();
  assert.deepEqual(await bars('By library'), { 'pact-go': 1, 'pact-js': 1 });

  // Another server on the port, whose answer stops a browser from reconnecting by itself.
  await collector.end();
  const other = http.createServer((_, answer) => answer.writeHead(500).end());
  const asked = once(other, 'request');
  await once(other.listen(port, '127.0.0.1'), 'listening');
  await asked;
  other.closeAllConnections();
  await once(other.close(), 'close');
  collector = await Collector.start(port);
  await collector.ga4([event({ library_name: 'pact-jvm' })]);
  await counts('3 events, 3 shown').waitFor();
});

test('a pause loses nothing and repeats nothing', async () => {
  await collector.ga4([event(), event()]);
  await counts('2 events, 2 shown').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('status').getByText('Paused').waitFor();
  await collector.ga4([event(), event(), event()]);
  await counts('2 events, 2 shown').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await counts('5 events, 5 shown').waitFor();
  await page.getByRole('button', { name: 'Clear' }).click();
  await counts('0 events, 0 shown').waitFor();
  assert.equal(await options().count(), 0);
});

test('contrast and accessible names hold in light and in dark', async () => {
  await collector.ga4([event({ os_arch: '' }), event({ library_name: 'pact-go', metric_value: true })]);
  await counts('2 events, 2 shown').waitFor();
  await page.getByRole('option', { name: /1 problem/ }).click();
  await page.evaluate(axe);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ground === 'rgb(255, 255, 255)', colorScheme === 'light');
    const { violations, passes } = await page.evaluate(() => window.axe.run());
    const found = violations.map(({ id, nodes }) => [id, ...nodes.map((node) => node.html + node.failureSummary)]);
    assert.deepEqual(found, [], colorScheme);
    assert.ok(passes.find(({ id }) => id === 'color-contrast').nodes.length > 30);
  }
});
