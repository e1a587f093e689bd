// SPDX-License-Identifier: Apache-2.0
// One gateway: what it said of itself, and how far the models are with it.
import { enc } from '../lib/api.js';
import { cell, h, patch, said, table } from '../lib/dom.js';
import { ago, duration, hubNow, number, tag, time } from '../lib/format.js';
import { clockWords, diskWords, forkNotes, stateOf, troubles } from '../lib/gateways.js';
import { print } from '../lib/json.js';

export const title = 'Gateway';

export function show(view, context) {
  const name = context.parts[0] || '';
  const box = h('div', {}, h('p', { class: 'hint' }, 'Asking the hub.'));
  view.append(h('p', { class: 'crumb' }, h('a', { href: '#/fleet' }, 'Fleet')), h('h1', {}, said(name, 80)), box);
  const summary = h('div');
  const lanes = table([['lane'], ['newest', 'number'], ['at the hub', 'number'], ['waiting', 'number'], ['lag', 'number']]);
  const models = table([['model'], ['lane'], ['epoch'], ['next seq', 'number'], ['held', 'number'], ['absent', 'number'], ['epochs', 'number']]);
  const modelsBox = h('section', {}, h('h2', {}, 'In the read models'), models.node);

  context.every(5000, async () => {
    let one;
    try {
      one = await context.ask('v1/gateways/' + enc(name));
    } catch (error) {
      if (error.status !== 404) throw error;
      box.replaceChildren(h('p', { class: 'empty' }, 'No gateway of that name has reported to this hub, and no model knows one.'));
      return;
    }
    hubNow(one.now);
    if (!summary.parentNode) box.replaceChildren(summary, h('section', {}, h('h2', {}, 'Lanes'), lanes.node), modelsBox);
    patch(summary, one.reported ? [one] : [], () => 'gateway', facts, (item) => print({ ...item, now: 0, age_s: 0 }));
    if (!one.reported) summary.replaceChildren(h('p', { class: 'notice' }, 'It has not reported; models know it by its events.'));
    lanes.node.parentNode.hidden = !one.reported;
    patch(lanes.body, Object.entries(one.lanes || {}), ([lane]) => lane, ([lane, state]) => h('tr', {},
      cell('lane', lane, 'name'), cell('newest', number(state.last), 'number'), cell('at the hub', number(state.acked), 'number'),
      cell('waiting', number(state.backlog), 'number' + (state.backlog > 0 ? ' warn' : '')),
      cell('lag', state.lag_s ? '\u2265 ' + duration(state.lag_s) : '', 'number')));
    modelsBox.hidden = !one.models.length;
    patch(models.body, one.models, (row) => row.model + '\n' + row.lane, (row) => h('tr', {},
      cell('model', h('a', { href: '#/model/' + enc(row.model) }, row.model), 'name'), cell('lane', row.lane),
      cell('epoch', h('span', { class: 'mono' }, row.epoch)),
      cell('next seq', row.open ? number(row.next) : 'waits for its predecessor', 'number'),
      cell('held', row.held ? h('a', { href: '#/holds' }, number(row.held)) : '0', 'number' + (row.held ? ' warn' : '')),
      cell('absent', number(row.absent), 'number'), cell('epochs', number(row.epochs), 'number')));
  });
}

function fact(name, value) {
  if (value === null || value === undefined || value === '') return null;
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

function facts(one) {
  return h('div', {},
    h('section', { class: 'facts' },
      h('p', {}, tag(...stateOf(one)), troubles(one).map((trouble) => [' ', h('span', { class: trouble.bad ? 'note bad' : 'note' }, trouble.words)])),
      h('dl', { class: 'grid' },
        fact('last heard', ago(one.received_at)), fact('running for', duration(one.up_s)), fact('machine', said(one.machine, 60)),
        fact('version', said(one.version, 40)), fact('epoch', h('span', { class: 'mono' }, one.epoch)),
        fact('epochs known', one.epochs ? number(one.epochs) : ''),
        fact('clock', clockWords(one)), fact('its clock said', time(one.clock.wall_at)), fact('disk', diskWords(one)),
        fact('last error', one.last_error ? said(one.last_error) : 'none'),
        fact('machines', one.machines.length > 1 ? one.machines.map((machine) => h('div', {}, said(machine, 60))) : '')),
      h('p', {}, h('a', { href: '#/live?gateway=' + enc(one.gateway) }, 'its events, live'))),
    forkNotes(one));
}
