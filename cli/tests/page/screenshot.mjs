// Writes docs/live-page.png: the page with a few events as Pact's libraries send them, one of them with a fault.

import { launch, open } from './browser.mjs';
import { Collector, event } from './collector.mjs';

const to = new URL('../../../docs/live-page.png', import.meta.url).pathname;

const pactJs = {};
const pactGo = {
  library_title: 'Pact Go',
  library_name: 'pact-go',
  library_version: '2.6.0',
  os_arch: 'macos-aarch64',
  test_framework: 'go test',
  platform_version: '1.25.3',
};
const pactJvm = {
  library_title: 'Pact JVM',
  library_name: 'pact-jvm',
  library_version: '4.7.1',
  os_arch: 'windows-x86_64',
  test_framework: 'JUnit5',
  platform_version: '21.0.8',
};
const consumer = (value) => ({
  name: 'pact_consumer_tests_ran',
  event_label: 'Pact consumer tests ran',
  event_category: 'ConsumerTest',
  metric_value: value,
});
const plugin = {
  name: 'plugin_loaded',
  event_label: 'Plugin loaded',
  event_category: 'Plugin',
  event_action: 'Loaded',
  metric_value: 1,
  plugin_name: 'protobuf',
  plugin_version: '0.6.5',
};
const fault = { platform_version: `21.0.8 ${'with a very long name '.repeat(5)}` };

const collector = await Collector.start();
const browser = await launch();
try {
  const page = await open(browser, collector, { colorScheme: 'light', viewport: { width: 1280, height: 860 } });
  const sent = [
    [event({ ...pactJs, ...consumer(4) }), event({ ...pactJs, ...consumer(2) })],
    [event({ ...pactGo, ...plugin }), event({ ...pactGo, ...consumer(1) })],
    [event({ ...pactJvm, ...consumer(7) }), event({ ...pactJvm, ...fault })],
    [event({ ...pactGo, metric_value: 12 }), event(pactJs)],
  ];
  for (const events of sent) {
    await collector.ga4(events);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // for the plot over time
  }
  await page.locator('#counts').getByText('8 events, 8 shown').waitFor();
  await page.getByRole('option', { name: /1 problem/ }).click();
  await page.screenshot({ path: to });
  console.log(`written: ${to}`);
} finally {
  await browser.close();
  await collector.end();
}
