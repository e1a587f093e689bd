// SPDX-License-Identifier: Apache-2.0
// The dashboard in a real browser before a real installation, with devices that say hostile things.
// Usage: node page_test.mjs, with PROGRAMS (folder), SCREENSHOTS (folder), CHROMIUM (program).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Browser, SIZES } from './browser.mjs';
import * as hostile from './hostile.mjs';
import { eventually, Installation } from './installation.mjs';
import { Nats } from './nats.mjs';
import { event, opened, report } from './wire.mjs';

const { PROGRAMS, SCREENSHOTS } = process.env;
const FLEET = 150;
const home = new Installation(PROGRAMS);
const browser = new Browser(home);
const { wrong } = browser;
let page;
let appended;

const open = (size) => browser.open(size);
const go = (route, one = page) => browser.go(route, one);
const harmless = (one = page) => browser.harmless(one);
const text = (selector) => page.locator(selector).innerText();

async function publish(messages) {
  const nats = await Nats.connect(home.nats_port);
  for (const message of messages) await nats.request(message.subject, message.body, message.id);
  nats.close();
}

function fleet() {
  const all = [];
  for (let i = 1; i <= FLEET; i += 1)
    all.push(report({ gateway: 'plant-' + i, machine: 'board-' + i, lanes: [[3, 3], [9, 9], [1000 + i, i % 10 ? 1000 + i : 900], [0, 0]],
                      trusted: i % 40 !== 0, off_s: i % 40 ? 0 : -90000, free: i % 50 ? 20e9 : 1e9 }));
  all.push(report({ gateway: 'evil', machine: hostile.SCRIPT.slice(0, 48), error: hostile.SCRIPT + hostile.RTL, version: '<i>9</i>' }));
  all.push(report({ gateway: 'rtl', machine: hostile.RTL, error: hostile.CONTROL }));
  all.push(report({ gateway: 'vast', lanes: [[hostile.VAST, 1n], [hostile.VAST, hostile.VAST], [9007199254740993n, 1n], [2n ** 64n - 1n, 1n]],
                    free: hostile.VAST - 1n, total: hostile.VAST, off_s: 7e9, error: hostile.BLANK }));
  return all;
}

before(async () => {
  fs.mkdirSync(SCREENSHOTS, { recursive: true });
  await home.start({ plant: hostile.MODEL });
  const at = (i) => new Date(Date.now() - (120 - i) * 30000).toISOString();
  const rows = [];
  for (let i = 0; i < 120; i += 1)
    for (const machine of ['press', 'oven'])
      rows.push({ stream: 'machine/' + machine, type: 'Reading', occurred_at: at(i),
                  data: { bar: 4 + Math.sin(i / 9) + (machine === 'oven' ? 1.5 : 0), celsius: 60 + i / 10, note: 'shift ' + (i % 3) } });
  appended = home.append([...rows,
    { stream: 'machine/' + hostile.ENTITY, type: hostile.TYPE, data: { bar: 1, note: hostile.SCRIPT } },
    { stream: 'machine/control', type: 'Reading', data: { bar: 2, note: hostile.CONTROL } },
    { stream: 'machine/rtl', type: 'Reading', data: { bar: 3, note: hostile.RTL } },
    { stream: 'machine/long', type: 'Reading', data: { bar: 4, note: hostile.LONG } },
    { stream: 'machine/poison', type: 'Reading', data: { bar: hostile.SCRIPT } },
    '{"stream":"machine/big","type":"Reading","data":{"bar":0.1234567890123456,"big":9007199254740993}}']);
  const nats = await Nats.connect(home.nats_port);
  await Promise.all(fleet().map((body, i) => nats.request('$KV.SLUICE-REPORTS.' + (i < FLEET ? 'plant-' + (i + 1) : ['evil', 'rtl', 'vast'][i - FLEET]), body)));
  nats.close();
  await publish([opened({ gateway: 'plant-1' }), event({ gateway: 'plant-1', seq: 2, data: new Map([['bar', 1.5]]) }),
                 event({ gateway: 'plant-1', seq: 5, version: 2, data: new Map([['bar', 2.5]]) })]);
  await eventually('the models', async () => {
    const { models } = await home.json('/v1/models');
    return models[0].parked === 1 && models[0].holds === 1 && models[0].shards[0].lag === 0;
  });
  await browser.launch();
  page = await open('desk');
}, { timeout: 40000 });

after(async () => {
  await browser.end();
  await home.stop();
});

test('the fleet shows what is wrong first, and finds one of many gateways', async () => {
  await go('/fleet');
  await page.locator('table.fleet tbody tr').first().waitFor();
  assert.match(await text('.figures'), /154\s*gateways/);
  const first = await text('table.fleet tbody tr:nth-child(1)');
  assert.match(first, /<script>|evil|vast|disk nearly full/, 'the worst stand first');
  await page.locator('#fleet-search').fill('plant-77');
  await eventually('one row', async () => await page.locator('table.fleet tbody tr').count() === 1);
  assert.match(await text('table.fleet tbody'), /board-77/);
  await page.locator('#fleet-search').fill('');
  await page.locator('#fleet-which').selectOption('behind');
  await eventually('those with a backlog', async () => await page.locator('table.fleet tbody tr').count() === 16);
  await harmless();
});

test('what a hostile gateway says of itself is text', async () => {
  await go('/gateway/evil');
  await page.locator('.facts').waitFor();
  const all = await text('main');
  assert.ok(all.includes('<script>window.pwned=1</script>'), all);
  assert.ok(all.includes('<i>9</i>'));
  await go('/gateway/rtl');
  await page.locator('.facts').waitFor();
  assert.ok((await text('main')).includes('\u27e8U+202E\u27e9evil'), 'a turned direction is shown by its number');
  assert.ok((await text('main')).includes('bell\u27e8U+0007\u27e9 escape\u27e8U+001B\u27e9[31m'), 'so is a control character');
  await go('/gateway/vast');
  await page.locator('.facts').waitFor();
  assert.ok((await text('main')).includes('door\u27e8U+3164\u27e9a\u27e8U+115F\u27e9b\u27e8U+1160\u27e9c\u27e8U+FFA0\u27e9d\u27e8U+00AD\u27e9e' +
    '\u27e8U+E0041\u27e9f\u27e8U+E007F\u27e9'), 'so is what nobody sees');
  await harmless();
});

test('figures beyond what a number of JavaScript holds break no page', async () => {
  await go('/fleet?q=vast');
  const row = page.locator('table.fleet tbody tr');
  await eventually('the gateway', async () => await row.count() === 1);
  assert.match(await row.innerText(), /9,223,372,036,854,775,807/);
  const lanes = row.locator('td', { has: page.locator('.lanes') });
  assert.match(await lanes.innerText(), /18,446,744,073,709,551,615/);
  assert.ok(await lanes.evaluate((node) => [...node.querySelectorAll('dd')].every((figure) =>
    figure.getBoundingClientRect().left + figure.scrollWidth <= node.getBoundingClientRect().right)), 'no figure stands over the next column');
  for (const order of ['name', 'backlog', 'lag', 'seen', 'disk', 'trouble']) {
    await page.locator('#fleet-search').fill('');
    await page.locator('#fleet-order').selectOption(order);
    await eventually('all by ' + order, async () => await page.locator('table.fleet tbody tr').count() === FLEET + 4);
  }
  for (const route of ['/fleet', '/gateway/vast']) {
    await go(route);
    await page.getByText('9,007,199,254,740,993', { exact: true }).first().waitFor();
    assert.equal(await page.locator('#trouble').isVisible(), false);
  }
  await harmless();
});

test('one gateway shows its lanes and how far the models are', async () => {
  await go('/gateway/edge-1');
  await page.getByRole('heading', { name: 'In the read models' }).waitFor();
  const lanes = await text('main');
  assert.match(lanes, /telemetry/);
  assert.match(lanes, /plant/);
  await page.getByRole('link', { name: 'Fleet' }).first().click();
  await page.locator('#fleet-search').waitFor();
});

test('models tell their state, holds and parked events', async () => {
  await go('/models');
  await page.locator('.card').waitFor();
  const card = await text('.card');
  assert.match(card, /1\s*holds/);
  assert.match(card, /1\s*parked/);
  assert.match(card, /has read everything/);
  const behind = await page.evaluate(async () => {
    const { shards } = await import('/lib/models.js');
    return shards({ shards: [{ shard: 'main', state: 'lagging', lag: 1, lag_s: 101, position: 1, hub_last: 2 }] })[0].textContent;
  });
  assert.match(behind, /1 event, 1 min 41 s behind/);
  await page.locator('.card a.figure', { hasText: 'parked' }).click();
  await page.getByText('show all models').waitFor();
  await harmless();
});

test('rows are filtered, ordered and turned by clicking', async () => {
  await go('/model/plant/reading');
  await page.locator('table.rows tbody tr').nth(49).waitFor();
  assert.match(await text('table.rows tbody tr:first-child time'), /\d\d:\d\d:\d\d\.\d{3}$/, 'rows of one second can be told apart');
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByText('rows 51 to 100').waitFor();
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByRole('button', { name: 'bar', exact: true }).click();
  await page.getByRole('button', { name: /^bar/ }).click();
  const column = page.locator('table.rows tbody tr td:nth-child(4)');
  await eventually('the highest first', async () => {
    const values = (await column.allInnerTexts()).map(Number);
    return values.length === 50 && values.every((value, i) => i === 0 || values[i - 1] >= value);
  });
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByLabel('column').selectOption('machine');
  await page.getByLabel('value').fill('oven');
  await page.getByLabel('value').press('Enter');
  await eventually('ovens only', async () => new Set(await page.locator('table.rows tbody td:nth-child(2)').allInnerTexts()).size === 1);
  assert.match(page.url(), /where=machine%3Doven/, 'the address can be passed on');
  await page.reload();
  await eventually('ovens only', async () => new Set(await page.locator('table.rows tbody td:nth-child(2)').allInnerTexts()).size === 1);
});

test('a row that changes is shown at once', async () => {
  const followed = page.waitForResponse((answer) => answer.url().includes('/follow'));
  await go('/model/plant/machine');
  assert.equal((await followed).status(), 200);
  await page.locator('table.rows tbody tr').first().waitFor();
  home.append([{ stream: 'machine/now', type: 'Reading', data: { bar: 8.25 } }]);
  await page.locator('table.rows tbody tr', { hasText: '8.25' }).waitFor();
});

test('hostile values are shown as they are, and a row in whole', async () => {
  await go('/model/plant/machine');
  await page.locator('table.rows tbody tr').nth(5).waitFor();
  const rows = await text('table.rows');
  assert.ok(rows.includes('<script>window.pwned=1</script>'));
  assert.ok(rows.includes('\u27e8U+202E\u27e9gnp.exe'));
  assert.ok(rows.includes('9007199254740993') && rows.includes('0.1234567890123456'), 'numbers keep every bit');
  await page.locator('table.rows tbody tr', { hasText: 'xxxxxxxx' }).click();
  await page.locator('dialog').waitFor();
  assert.ok((await text('dialog')).includes('x'.repeat(10_000)));
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await go('/model/plant/nothing');
  await page.getByText('This table has no rows yet.').waitFor();
  await harmless();
});

test('a chart draws rows over time', async () => {
  await go('/model/plant/reading');
  await page.locator('table.rows tbody tr').first().waitFor();
  await page.getByRole('button', { name: 'Chart' }).click();
  await page.getByLabel('celsius').check();
  await eventually('something drawn', () => page.locator('canvas').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let inked = 0;
    for (let i = 3; i < data.length; i += 4) inked += data[i] > 0;
    return inked > 3000;
  }));
  assert.match(await text('.chart'), /rows/);
  await harmless();
});

test('an event that arrives is seen live, and filters hold', async () => {
  await go('/live?type=Reading');
  await page.getByText('listening').waitFor();
  home.append([{ stream: 'machine/press', type: 'Other', data: { note: 'not this' } },
               { stream: 'machine/live', type: 'Reading', data: { bar: 7, note: hostile.SCRIPT } }]);
  await page.locator('.events li', { hasText: 'machine/live' }).waitFor();
  assert.ok(!(await text('.events')).includes('not this'));
  await page.locator('.events summary').first().click();
  await page.getByRole('link', { name: 'its way' }).click();
  await page.locator('.way li').first().waitFor();
  await harmless();
});

test('the trail of an event leads from its id to its row', async () => {
  await go('/trail');
  await page.locator('#trail-id').fill(appended[0].event_id || appended[0].id);
  await page.getByRole('button', { name: 'Follow it' }).click();
  await page.locator('.way .touched').first().waitFor();
  const way = await text('.way');
  for (const words of ['machine/press', 'edge-1', 'EVENTS-main', 'applied', 'reading']) assert.ok(way.includes(words), words + ' in ' + way);
  await go('/trail/' + encodeURIComponent('plant-1.00000000000000aa.telemetry.5'));
  await page.getByText('It waits for seq 3 to 4').waitFor();
  await go('/trail/01890a5d-ac96-774b-bcce-b302099a8057');
  await page.getByText('The hub stream does not have it').waitFor();
  await harmless();
});

test('a hold is skipped with a reason, and what waited goes on', async () => {
  await go('/holds');
  const row = page.locator('section').first().locator('tbody tr');
  await row.first().waitFor();
  assert.match(await row.innerText(), /seq 3 to 4/);
  await row.getByRole('button', { name: 'Skip' }).click();
  await page.getByRole('button', { name: 'Skip', exact: true }).click();
  assert.ok(await page.locator('dialog').isVisible(), 'not without a reason');
  await page.getByLabel('reason').fill('the card burnt');
  await page.getByRole('button', { name: 'Skip', exact: true }).click();
  await page.getByText('1 hole given up').waitFor();
  await page.getByText('Nothing waits').waitFor();
  assert.match(await text('#parked'), /outside the domain of real/, 'why it is parked');
  await harmless();
});

test('a hole beyond what a number of JavaScript holds is skipped to its last seq', async () => {
  await publish([opened({ gateway: 'vast' }), event({ gateway: 'vast', seq: hostile.VAST - 1n, data: { big: hostile.VAST } })]);
  await go('/holds');
  const row = page.locator('section').first().locator('tbody tr');
  await row.first().waitFor();
  assert.match(await row.innerText(), /seq 2 to 9,223,372,036,854,775,805/);
  await row.getByRole('button', { name: 'Skip' }).click();
  await page.getByLabel('reason').fill('it never had them');
  await page.getByRole('button', { name: 'Skip', exact: true }).click();
  await page.getByText('1 hole given up').waitFor();
  await go('/model/plant/machine?where=gateway%3Dvast');
  await page.locator('table.rows tbody tr', { hasText: String(hostile.VAST) }).waitFor();
  await go('/gateway/vast');
  await page.getByText('9,223,372,036,854,775,807', { exact: true }).first().waitFor();
  await go('/trail/' + encodeURIComponent('vast.00000000000000aa.telemetry.' + (hostile.VAST - 1n)));
  await page.locator('.way .touched').first().waitFor();
  assert.ok((await text('main')).includes('"big": ' + hostile.VAST));
  await harmless();
});

test('a chart bears the largest figures', async () => {
  home.append([1.7e308, -1.7e308, 1e-320, 0].map((bar) => ({ stream: 'machine/huge', type: 'Reading', data: { bar } })));
  await go('/model/plant/reading?chart=1&where=machine%3Dhuge');
  await page.locator('.chart .hint', { hasText: '4 rows' }).waitFor();
  assert.equal(await page.locator('#trouble').isVisible(), false);
});

test('the keyboard reaches everything', async () => {
  await go('/fleet');
  await page.locator('table.fleet tbody tr').first().waitFor();
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'fleet-search');
  await go('/model/plant/machine');
  await page.locator('table.rows tbody tr').first().focus();
  await page.keyboard.press('Enter');
  await page.locator('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  const nameless = await page.evaluate(() => [...document.querySelectorAll('button, a, input, select')].filter((node) =>
    !(node.innerText || node.getAttribute('aria-label') || node.labels?.length || node.closest('label') || node.placeholder)).map((node) => node.outerHTML));
  assert.deepEqual(nameless, []);
});

test('words stand out from their ground, light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const low = await page.evaluate(() => {
      const css = getComputedStyle(document.documentElement);
      const light = (name) => {
        const n = parseInt(css.getPropertyValue(name).trim().slice(1), 16);
        const [r, g, b] = [n >> 16, n >> 8 & 255, n & 255].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const pairs = [['--good', '--good-tint'], ['--warn', '--warn-tint'], ['--bad', '--bad-tint'], ['--on-accent', '--accent']];
      for (const ink of ['--text', '--soft', '--accent', '--warn', '--bad']) for (const ground of ['--sheet', '--ground', '--raised']) pairs.push([ink, ground]);
      return pairs.filter(([a, b]) => ratio(a, b) < 4.5).map(([a, b]) => a + ' on ' + b + ': ' + ratio(a, b).toFixed(2));
    });
    assert.deepEqual(low, [], colorScheme);
  }
  await page.emulateMedia({ colorScheme: 'light' });
});

test('every page fits a desk and a phone', async () => {
  const routes = { fleet: '/fleet', gateway: '/gateway/edge-1', evil: '/gateway/evil', models: '/models', rows: '/model/plant/machine',
                   chart: '/model/plant/reading?chart=1', holds: '/holds', live: '/live', trail: '/trail/' + (appended[0].event_id || appended[0].id) };
  const ready = { fleet: 'tbody tr', gateway: '.facts', evil: '.facts', models: '.card', rows: 'table.rows tbody tr', chart: 'canvas', holds: '#parked tbody tr',
                  live: '.hint', trail: '.way .touched' };
  for (const size of Object.keys(SIZES)) {
    const one = await open(size);
    for (const [name, route] of Object.entries(routes)) {
      await go(route, one);
      await one.locator(ready[name]).first().waitFor();
      if (name === 'live') {
        home.append([1, 2, 3].map((n) => ({ stream: 'machine/press', type: 'Reading', data: { bar: n, note: 'shot' } })));
        await one.locator('.events li').nth(2).waitFor();
      }
      await one.waitForTimeout(150);  // a chart's first frame, for the picture only
      const over = await one.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      await one.screenshot({ path: path.join(SCREENSHOTS, size + '-' + name + '.png'), fullPage: name !== 'fleet' });
      assert.equal(over, 0, name + ' is wider than the ' + size);
      await harmless(one);
    }
    await one.context().close();
  }
});

test('while the hub is away the page says how old it is, and goes on by itself', async () => {
  await go('/models');
  await page.locator('.card').waitFor();
  browser.outage = true;
  await home.end('sluice-hub', 'SIGKILL');
  await page.getByText('The hub does not answer').waitFor();
  await page.screenshot({ path: path.join(SCREENSHOTS, 'desk-stale.png') });
  assert.match(await text('.card'), /plant/, 'what was known stays');
  home.startHub();
  await page.locator('#stale').waitFor({ state: 'hidden', timeout: 15000 });
  browser.outage = false;
  assert.equal(await page.locator('#status').innerText(), 'live');
});

test('no page broke its policy, left its origin or failed in the console', () => {
  assert.deepEqual(wrong, [], home.logs());
});
