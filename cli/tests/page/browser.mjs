// A real Chromium without a window, and pages in it that fail their test when anything goes wrong in them.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export function launch() {
  const executablePath = PLACES.find((place) => place && existsSync(place));
  if (executablePath === undefined) throw new Error('no Chromium; name one in CHROMIUM');
  return chromium.launch({ executablePath });
}

/** Opens the collector's page; `faults` gathers uncaught errors, messages on the console and dialogs. */
export async function open(browser, collector, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.faults.push(message.text()));
  page.on('dialog', (dialog) => {
    page.faults.push(dialog.message());
    dialog.dismiss();
  });
  await page.goto(collector.url);
  await page.getByRole('status').getByText('Live').waitFor();
  return page;
}
