// SPDX-License-Identifier: Apache-2.0
// The status page. All that comes from gateways and models is text of strangers: it reaches the
// page through textContent only.
'use strict';

const REFRESH_MS = 5000;
const PAGE_ROWS = 50;
const $ = (id) => document.getElementById(id);
let models = [];
let shownPage = null;   // cursor of the page on show, null for the first
let nextPage = null;
let busy = false;

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = String(text);
  if (className) node.className = className;
  return node;
}

function cell(label, content, className) {
  const td = element('td', undefined, className);
  td.dataset.label = label;
  if (content instanceof Node) td.append(content);
  else if (content === undefined || content === null || content === '') td.classList.add('none');
  else td.textContent = String(content);
  return td;
}

const number = (value) => Number(value || 0).toLocaleString('en-GB');

function duration(seconds) {
  if (seconds === null || seconds === undefined) return '';
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return s + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min';
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor((s % 3600) / 60) + ' min';
  return Math.floor(s / 86400) + ' d ' + Math.floor((s % 86400) / 3600) + ' h';
}

function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = Number(count || 0);
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) { value /= 1024; unit += 1; }
  return (unit === 0 ? value : value.toFixed(1)) + ' ' + units[unit];
}

const TAGS = { running: 'good', live: 'good', lagging: 'warn', late: 'warn', silent: 'bad',
               stalled: 'bad', blocked: 'bad', clone: 'bad' };
const tag = (word) => element('span', word, 'tag ' + (TAGS[word] || 'warn'));

async function ask(path) {
  const headers = {};
  const token = sessionStorage.getItem('token');
  if (token) headers.Authorization = 'Bearer ' + token;
  const answer = await fetch(path, { headers, cache: 'no-store' });
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) $('token-form').hidden = false;
  if (!answer.ok) {
    const error = body.error || {};
    throw new Error(error.message ? error.message + (error.field ? ' (' + error.field + ')' : '')
                                  : 'the hub answered ' + answer.status);
  }
  return body;
}

function fill(table, rows, empty) {
  const body = table.tBodies[0];
  body.replaceChildren(...rows);
  if (empty) empty.hidden = rows.length > 0;
  table.hidden = rows.length === 0;
}

function lanes(gateway) {
  const box = element('div');
  for (const [name, lane] of Object.entries(gateway.lanes)) {
    if (lane.last === 0) continue;
    const line = element('span', undefined, 'lane');
    line.append(element('b', name), number(lane.last) + ' / ' + number(lane.acked));
    box.append(line);
  }
  if (!box.firstChild) box.append(element('span', 'nothing yet', 'soft'));
  return box;
}

function showGateways(list) {
  $('gateways-count').textContent = list.length || '';
  fill($('gateways'), list.map((gateway) => {
    const row = element('tr');
    const name = element('div');
    const states = element('div');
    states.append(tag(gateway.state));
    for (const fork of gateway.forks) {
      const note = element('div', fork.kind.replace('_', ' ') + ': ' + fork.words + '. ' + fork.do,
                           'fork');
      note.title = 'seen ' + fork.seen_at;
      states.append(note);
    }
    name.append(element('div', gateway.gateway),
                element('div', gateway.machine + (gateway.version ? ', ' + gateway.version : ''),
                        'soft mono'));
    row.append(cell('gateway', name, 'name'),
               cell('state', states),
               cell('last seen', duration(gateway.age_s) + ' ago'),
               cell('last / acked', lanes(gateway)),
               cell('backlog', number(gateway.backlog), 'number'),
               cell('disk free', gateway.disk.total_bytes ? bytes(gateway.disk.free_bytes) : ''),
               cell('last error', gateway.last_error, 'wide' + (gateway.last_error ? ' error' : '')));
    return row;
  }), $('gateways-empty'));
}

function showModels(list) {
  $('models-count').textContent = list.length || '';
  const rows = [];
  for (const model of list) {
    for (const shard of model.shards) {
      const row = element('tr');
      row.append(cell('model', model.model, 'name'),
                 cell('shard', shard.shard),
                 cell('state', tag(shard.state)),
                 cell('position', number(shard.position) + ' of ' + number(shard.hub_last), 'number'),
                 cell('lag', number(shard.lag), 'number'),
                 cell('behind', shard.lag > 0 ? duration(shard.lag_s) : '0 s', 'number'),
                 cell('holds', number(model.holds), 'number' + (model.holds ? ' error' : '')),
                 cell('parked', number(model.parked), 'number' + (model.parked ? ' error' : '')),
                 cell('last error', shard.last_error, 'wide' + (shard.last_error ? ' error' : '')));
      rows.push(row);
    }
  }
  fill($('models'), rows, $('models-empty'));
}

function showHolds(list) {
  $('holds-section').hidden = list.length === 0;
  $('holds-count').textContent = list.length || '';
  fill($('holds'), list.map((hold) => {
    const row = element('tr');
    row.append(cell('model', hold.model, 'name'), cell('gateway', hold.gateway),
               cell('lane', hold.lane), cell('epoch', element('span', hold.epoch, 'mono')),
               cell('missing', hold.from === hold.to ? number(hold.from)
                                 : number(hold.from) + ' to ' + number(hold.to), 'number'),
               cell('waiting', number(hold.held), 'number'),
               cell('since', duration(hold.age_s) + ' ago', hold.age_s > 600 ? 'error' : ''));
    return row;
  }));
}

function options(select, values, kept) {
  const wanted = kept === undefined ? select.value : kept;
  const now = [...select.options].map((option) => option.value + '\n' + option.textContent).join();
  const then = values.map(([value, text]) => value + '\n' + text).join();
  if (now !== then) {
    select.replaceChildren(...values.map(([value, text]) => {
      const option = element('option', text);
      option.value = value;
      return option;
    }));
  }
  if (values.some(([value]) => value === wanted)) select.value = wanted;
}

function chosen() {
  const [model, table] = ($('table').value || '\n').split('\n');
  const found = models.find((entry) => entry.model === model);
  return { model, table, info: found && found.tables.find((entry) => entry.name === table) };
}

function showChoices() {
  const tables = [];
  for (const model of models)
    for (const table of model.tables)
      tables.push([model.model + '\n' + table.name, model.model + ' / ' + table.name]);
  options($('table'), tables);
  const { info } = chosen();
  const columns = info ? info.columns.map((column) => column.name) : [];
  options($('column'), columns.map((name) => [name, name]));
  options($('order'), [['', 'as stored'],
                       ...columns.map((name) => [name, name + ' ↑']),
                       ...columns.map((name) => ['-' + name, name + ' ↓'])]);
}

async function showRows() {
  const { model, table, info } = chosen();
  $('viewer').hidden = !info;
  if (!info) { fill($('rows'), [], $('rows-empty')); return; }
  const query = new URLSearchParams({ limit: String(PAGE_ROWS) });
  if ($('value').value !== '') {
    const comparison = $('comparison').value;
    query.set($('column').value + (comparison ? '__' + comparison : ''), $('value').value);
  }
  if ($('order').value) query.set('order', $('order').value);
  if (shownPage) query.set('page', shownPage);
  try {
    const answer = await ask('v1/models/' + encodeURIComponent(model) + '/' +
                             encodeURIComponent(table) + '?' + query);
    const head = element('tr');
    for (const column of info.columns) head.append(element('th', column.name));
    $('rows').tHead.replaceChildren(head);
    fill($('rows'), answer.rows.map((values) => {
      const row = element('tr');
      for (const column of info.columns) {
        const value = values[column.name];
        const text = value === null || value === undefined ? '' :
          typeof value === 'object' ? JSON.stringify(value) : String(value);
        const td = element('td', text, typeof value === 'number' ? 'number' : '');
        td.title = text;
        row.append(td);
      }
      return row;
    }), $('rows-empty'));
    [...$('rows').tHead.rows[0].cells].forEach((th, index) => {
      const first = $('rows').tBodies[0].rows[0];
      if (first && first.cells[index].className === 'number') th.className = 'number';
    });
    nextPage = answer.next;
    $('rows-error').hidden = true;
  } catch (error) {
    nextPage = null;
    $('rows-error').textContent = error.message;
    $('rows-error').hidden = false;
  }
  $('next').disabled = !nextPage;
  $('first').disabled = !shownPage;
}

async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const [gateways, all, holds] =
      await Promise.all([ask('v1/gateways'), ask('v1/models'), ask('v1/holds')]);
    models = all.models;
    showGateways(gateways.gateways);
    showModels(models);
    showHolds(holds.holds);
    showChoices();
    $('version').textContent = all.version || '';
    await showRows();
    $('token-form').hidden = true;
    $('status').className = '';
    $('status').textContent = 'as of ' + new Date().toLocaleTimeString();
  } catch (error) {
    $('status').className = 'bad';
    $('status').textContent = error.message;
  } finally {
    busy = false;
  }
}

function turnTo(page) { shownPage = page; showRows(); }

$('viewer').addEventListener('submit', (event) => { event.preventDefault(); turnTo(null); });
$('table').addEventListener('change', () => {
  $('value').value = '';
  $('order').value = '';
  showChoices();
  turnTo(null);
});
$('first').addEventListener('click', () => turnTo(null));
$('next').addEventListener('click', () => turnTo(nextPage));
$('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('token', $('token').value);
  $('token').value = '';
  refresh();
});
document.addEventListener('visibilitychange', refresh);
setInterval(refresh, REFRESH_MS);
refresh();
