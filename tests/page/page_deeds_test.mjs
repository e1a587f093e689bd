// SPDX-License-Identifier: Apache-2.0
// What operators do and see done, by clicks: parked events, a new version and its switch, a
// verification, and a model in PostgreSQL whose server hangs.
// Usage: node page_deeds_test.mjs, with PROGRAMS (folder), SCREENSHOTS (folder), CHROMIUM (program).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Browser, SIZES } from './browser.mjs';
import { eventually, Installation } from './installation.mjs';
import { Nats } from './nats.mjs';
import { Postgres } from './postgres.mjs';
import { event, opened } from './wire.mjs';

const { PROGRAMS, SCREENSHOTS } = process.env;
const READINGS = 30_000;
const home = new Installation(PROGRAMS);
const postgres = new Postgres();
const browser = new Browser(home);
let page;

const plant = (version, more = '') => `
model = "plant"
version = ${version}
[where]
categories = ["machine"]
[table.machine]
key = { gateway = "$gateway", machine = "$entity" }
[table.machine.columns]
readings = { type = "int", default = 0 }
bar = "real"
${more ? 'batch = "int"' : ''}
[[table.machine.on]]
type = "Reading"
inc = { readings = 1 }
set = { bar = ".bar"${more} }
`;
const STOCK = `
model = "stock"
version = 1
target = "postgres"
[where]
categories = ["store"]
[table.item]
key = { gateway = "$gateway", item = "$entity" }
[table.item.columns]
pieces = { type = "int", default = 0 }
[[table.item.on]]
type = "Moved"
inc = { pieces = ".pieces" }
[view.sums]
sql = "SELECT gateway, avg(pieces) AS mean FROM item GROUP BY gateway"
`;

const go = (route, one = page) => browser.go(route, one);
const text = (selector) => page.locator(selector).innerText();
const model = async (name) => (await home.json('/v1/models')).models.find((one) => one.model === name);
const row = async (machine) => (await home.json('/v1/models/plant/machine?machine=' + machine)).rows[0];
const reading = (machine, data) => ({ stream: 'machine/' + machine, type: 'Reading', data });

async function publish(messages) {
  const nats = await Nats.connect(home.nats_port);
  for (const message of messages) await nats.request(message.subject, message.body, message.id);
  nats.close();
}
// The page as it stands, as a desk and as a phone have it.
async function shoot(name) {
  for (const [size, { viewport }] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, name + ' is wider than the ' + size);
    await page.screenshot({ path: path.join(SCREENSHOTS, size + '-' + name + '.png'), fullPage: true });
  }
  await page.setViewportSize(SIZES.desk.viewport);
}

before(async () => {
  fs.mkdirSync(SCREENSHOTS, { recursive: true });
  await postgres.start();
  await home.start({ plant: plant(1), stock: STOCK }, `postgres = "${postgres.conninfo}"\nverify_interval = "0s"`);
  const many = [];
  for (let i = 0; i < READINGS; i += 1) many.push(reading('press-' + i % 500, { bar: 4 + i % 10, batch: i }));
  home.append([...many, reading('mixer', { bar: 'high', batch: 1 }), reading('mixer', { bar: 5, batch: 2 }), reading('mixer', { bar: 6, batch: 3 }),
               reading('dryer', { bar: 2, batch: 'last' }),
               { stream: 'store/bolt', type: 'Moved', data: { pieces: 40 } }, { stream: 'store/nut', type: 'Moved', data: { pieces: 110 } }]);
  await publish([opened({ gateway: 'plant-1' }), event({ gateway: 'plant-1', seq: 2, entity: 'oven', data: new Map([['bar', 1.5]]) }),
                 event({ gateway: 'plant-1', seq: 4, entity: 'oven', version: 2, data: new Map([['bar', 2.5]]) })]);
  await eventually('the models', async () => {
    const [one, other] = [await model('plant'), await model('stock')];
    return one.caught_up && one.parked === 3 && one.holds === 1 && other.caught_up && other.applied > READINGS;
  }, 70000);
  await browser.launch();
  page = await browser.open('desk');
}, { timeout: 120000 });

after(async () => {
  await browser.end();
  await home.stop();
  await postgres.stop();
});

test('a retry of what still does not fit says so and changes nothing', async () => {
  await go('/holds');
  const parked = page.locator('#parked tbody tr');
  await eventually('one event is listed', async () => await parked.count() === 1);
  assert.match(await parked.innerText(), /edge-1\/machine\/mixer/);
  assert.match(await parked.innerText(), /2 later events of its stream wait behind it/);
  await shoot('parked');
  await parked.getByRole('button', { name: 'Retry' }).click();
  await page.getByText('It still does not fit').waitFor();
  assert.equal((await model('plant')).parked, 3);
});

test('a skip of a parked event asks for a reason, and its stream goes on', async () => {
  await page.locator('#parked').getByRole('button', { name: 'Skip' }).click();
  assert.match(await text('dialog'), /2 later events of its stream go on/);
  await shoot('reason');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.equal((await model('plant')).parked, 3, 'nothing was done');
  await page.locator('#parked').getByRole('button', { name: 'Skip' }).click();
  await page.getByLabel('reason').fill('the sensor was replaced');
  await page.getByRole('button', { name: 'Skip', exact: true }).click();
  await page.getByText('Given up; 2 events took effect.').waitFor();
  await page.getByText('No event is parked').waitFor();
  const mixer = await row('mixer');
  assert.deepEqual([mixer.readings, mixer.bar], [2, 6]);
});

test('what comes after it was given up is parked as late, and a retry applies it', async () => {
  // Both models wait there; one word is for both.
  await page.locator('section').first().getByRole('button', { name: 'Skip' }).first().click();
  await page.getByLabel('reason').fill('the card is lost');
  await page.getByRole('button', { name: 'Skip', exact: true }).click();
  await page.getByText('2 holes given up, 2 events went on.').waitFor();
  await page.getByText('Nothing waits').waitFor();
  await publish([event({ gateway: 'plant-1', seq: 3, entity: 'oven', version: 3, data: new Map([['bar', 9.5]]) })]);
  // Each model that waited there has parked it; a retry is for one.
  const parked = page.locator('#parked tbody tr', { has: page.getByRole('link', { name: 'plant', exact: true }) });
  await parked.getByText('late', { exact: true }).waitFor();
  await parked.getByRole('button', { name: 'Retry' }).click();
  await page.getByText('Applied; 1 event took effect.').waitFor();
  await parked.waitFor({ state: 'detached' });
  assert.equal((await row('oven')).readings, 3);
});

test('a new version is seen while it is built and why it cannot serve, then serves', async () => {
  await go('/models');
  const card = page.locator('.card', { hasText: 'plant' });
  await card.waitFor();
  home.file('models/plant.model.toml', plant(2, ', batch = ".batch"'));  // dryer's is no number: more is parked
  await home.post('/v1/models/reload', {});
  await card.getByText('Version 2 is built beside').waitFor();
  const progress = card.locator('.callout progress');
  assert.match(await card.locator('.callout .progress').innerText(), /\d+(\.\d)? %/);
  await card.getByText(/it parks \d+ events?/).waitFor({ timeout: 30000 });
  assert.equal(await progress.evaluate((node) => node.value), 1);
  assert.match(await card.locator('.callout').innerText(), /waiting[\s\S]*--accept/, 'and what to do');
  assert.match(await card.innerText(), /1 serves/);
  await shoot('rebuild');
  await home.post('/v1/models/plant/rebuild', { reason: 'known and wanted', accept: true });
  await card.getByText('2 serves, 1 kept').waitFor({ timeout: 30000 });
  await card.locator('.callout').waitFor({ state: 'detached' });
  await go('/model/plant/machine');
  await page.getByRole('button', { name: 'batch' }).waitFor();
});

test('a verification is seen at work, and its result with the rows that differ', async () => {
  await go('/models');
  const card = page.locator('.card', { hasText: 'plant' });
  await home.post('/v1/verify/plant', {});
  await card.getByText(/agrees with the log \(\d+ rows\)/).waitFor({ timeout: 30000 });
  const changed = spawnSync('sqlite3', ['-cmd', '.timeout 5000', path.join(home.folder, 'hub', 'plant.db'), "UPDATE machine SET bar = 77 WHERE machine = 'press-7'"],
                            { encoding: 'utf8' });
  assert.equal(changed.status, 0, changed.stderr);
  await home.post('/v1/verify/plant', {});
  await card.getByText('1 difference from the log').waitFor({ timeout: 30000 });
  await go('/model/plant/machine');
  await page.getByText('Rows that differ from the log').waitFor();
  assert.match(await text('.findings'), /bar: 77.*the log says/s);
  await page.locator('table.rows tbody tr').first().waitFor();
  await shoot('differs');
});

test('a model in PostgreSQL shows its rows, and how old its figures are while the server hangs', async () => {
  await go('/model/stock/item');
  await page.locator('table.rows tbody tr', { hasText: 'bolt' }).waitFor();
  await go('/model/stock/sums');
  await eventually('the mean', async () => /edge-1\s+75$/m.test(await text('table.rows tbody')));
  await go('/models');
  const card = page.locator('.card', { hasText: 'stock' });
  await card.waitFor();
  postgres.pause();
  try {
    await card.getByText(/These figures are \d+ s old: its database does not answer/).waitFor({ timeout: 15000 });
    await shoot('hanging');
    assert.equal(await page.locator('#status').innerText(), 'live', 'the hub answers all the same');
  } finally {
    postgres.resume();
  }
  await card.getByText('These figures are').waitFor({ state: 'detached', timeout: 15000 });
});

test('no page broke its policy, left its origin or failed in the console', async () => {
  await browser.harmless(page);
  assert.deepEqual(browser.wrong, [], home.logs());
});
