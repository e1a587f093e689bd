// SPDX-License-Identifier: Apache-2.0
// A real browser before an installation, which notes whatever a page must never do.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { chromium } from 'playwright-core';

export const SIZES = {
  desk: { viewport: { width: 1280, height: 820 }, colorScheme: 'light' },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'dark', hasTouch: true },
};

export class Browser {
  constructor(home) {
    this.home = home;
    this.wrong = [];
    this.outage = false;  // the hub is away, or refuses, on purpose
  }
  async launch() {
    const program = process.env.CHROMIUM;
    if (!fs.existsSync(program)) throw new Error(program + ' is missing: scripts/deps.sh test installs it');
    this.chromium = await chromium.launch({ executablePath: program, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  }
  async end() { await this.chromium?.close(); }

  async open(size) {
    const context = await this.chromium.newContext(SIZES[size]);
    const one = await context.newPage();
    one.setDefaultTimeout(8000);
    one.on('response', async (answer) => {
      if (answer.status() === 500 && !this.outage) this.wrong.push('500: ' + (await answer.text()));
    });
    one.on('console', (message) => {
      if (message.type() === 'error' && !this.outage) this.wrong.push('console: ' + message.text() + ' ' + message.location().url);
    });
    one.on('pageerror', (error) => this.wrong.push('script: ' + error.message));
    one.on('request', (request) => {
      if (!request.url().startsWith(this.home.hub_url + '/')) this.wrong.push('asked another origin: ' + request.url());
    });
    one.on('dialog', (dialog) => { this.wrong.push('a dialog: ' + dialog.message()); dialog.dismiss(); });
    await one.addInitScript(() => {
      window.violations = [];
      document.addEventListener('securitypolicyviolation', (violation) => window.violations.push(violation.violatedDirective + ' ' + violation.blockedURI));
    });
    return one;
  }
  async go(route, one) {
    await one.goto(this.home.hub_url + '/#' + route);
    await one.evaluate((hash) => { if (location.hash !== hash) location.hash = hash; }, '#' + route);
  }
  async harmless(one) {
    assert.deepEqual(await one.evaluate(() => window.violations), []);
    assert.equal(await one.evaluate(() => window.pwned), undefined);
    assert.equal(await one.locator('main script, main img, main b[onclick]').count(), 0);
  }
}
