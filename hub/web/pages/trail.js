// SPDX-License-Identifier: Apache-2.0
// One event's way, from the device to the rows.
import { enc } from '../lib/api.js';
import { h, labelled, lines, said } from '../lib/dom.js';
import { duration, number, plural, tag, time } from '../lib/format.js';
import { pretty } from './live.js';
import { value } from './model.js';

export const title = 'Trail';

export function show(view, context) {
  const asked = context.parts.join('/');
  const input = h('input', { type: 'search', id: 'trail-id', value: asked, required: true, autocomplete: 'off', spellcheck: 'false',
                             placeholder: 'event id, identity or token' });
  const box = h('div', { 'aria-live': 'polite' });
  view.append(h('h1', {}, 'Trail'),
    h('form', { class: 'bar', onsubmit: (event) => {
      event.preventDefault();
      const to = '#/trail/' + enc(input.value.trim());
      if (to === location.hash) look(); else location.hash = to;
    } }, labelled('which event?', input, 'grow'), h('button', { class: 'primary' }, 'Follow it')),
    box);
  if (!asked) {
    box.append(h('div', { class: 'empty' }, h('p', {}, 'Give an event\u2019s id, as the append answered it, or its identity ',
      h('code', {}, 'gateway.epoch.lane.seq'), ' (the token with colons will do), and see where it is.'),
      h('p', {}, 'Events are listed on ', h('a', { href: '#/live' }, 'Live'), ', parked ones on ', h('a', { href: '#/holds' }, 'Holds'), '.')));
    return;
  }
  async function look(from) {
    box.replaceChildren(h('p', { class: 'hint' }, 'Looking through the hub stream\u2026'));
    try {
      draw(await context.ask('v1/events/' + enc(asked) + (from ? '?from=' + enc(from) : '')));
    } catch (error) {
      if (!context.signal.aborted) box.replaceChildren(h('p', { class: 'notice bad' }, error.message));
    }
  }
  function draw(answer) {
    box.replaceChildren(...[
      answer.words ? h('p', { class: 'notice' }, said(answer.words, 600)) : null,
      h('ol', { class: 'way' }, answer.event ? device(answer.event) : null, gateway(answer), hub(answer),
        (answer.models || []).map(inModel)),
      answer.event ? h('section', {}, h('h2', {}, 'What it says'), h('pre', {}, lines(pretty(answer.event.data), 20000))) : null,
      searched(answer.search, look)].filter(Boolean));
  }
  look();
}

function step(where, state, ...content) {
  return h('li', {}, h('div', { class: 'row' }, h('h2', {}, where), state), content);
}
function pairs(...list) {
  return h('dl', { class: 'pairs' }, list.filter(Boolean).map(([name, text]) => [h('dt', {}, name), h('dd', {}, text)]));
}
const mono = (text) => h('span', { class: 'mono' }, said(text, 200));

function device(event) {
  return step(['Device'], null, pairs(['stream', said(event.stream)], ['type', said(event.type)],
    event.version ? ['version', number(event.version)] : null,
    ['event id', mono(event.id)],
    event.occurred_at ? ['happened', time(event.occurred_at)] : null));
}
function gateway({ event, gateway: one, asked }) {
  const name = event?.gateway || asked?.gateway;
  if (!name) return null;
  return step(['Gateway ', h('a', { href: '#/gateway/' + enc(name) }, said(name))], one?.state ? tag(one.state) : null,
    one?.words ? h('p', {}, one.words) : null,
    pairs(['lane', event?.lane || asked.lane], ['epoch', mono(event?.epoch || asked.epoch)], ['seq', number(event?.seq ?? asked.seq)],
      event ? ['identity', mono(event.identity)] : null,
      event ? ['recorded', [time(event.recorded_at), event.clock_trusted ? '' : ' by a clock that was not trusted',
        event.clock_s ? ', corrected by ' + (event.clock_s < 0 ? '\u2212' : '') + duration(Math.abs(event.clock_s)) : '']] : null));
}
function hub({ hub: one }) {
  if (!one) return step(['Hub'], tag('not found', 'warn'));
  return step(['Hub'], tag('stored'), pairs(['hub stream', one.hub_stream], ['sequence', number(one.sequence)],
    ['stored', [time(one.stored_at), one.delay_s > 1 ? ', ' + duration(one.delay_s) + ' after it was recorded' : '']],
    ['subject', mono(one.subject)]));
}
function inModel(model) {
  return step(['Model ', h('a', { href: '#/model/' + enc(model.model) }, model.model)], tag(model.state),
    model.words ? h('p', {}, said(model.words, 600)) : null,
    (model.rows || []).map((touched) => h('div', { class: 'touched' },
      h('p', {}, h('a', { href: '#/model/' + enc(model.model) + '/' + enc(touched.table) + '?' +
        Object.entries(touched.key).map(([column, one]) => 'where=' + enc(column + '=' + String(one))).join('&') }, touched.table),
        touched.row ? '' : ': no such row now'),
      touched.row ? pairs(...Object.entries(touched.row).map(([column, one]) => [column, value(one, null, 80)])) : null)));
}
function searched(search, look) {
  if (!search) return null;
  return h('p', { class: 'hint' }, plural(search.read, 'message') + ' read' + (search.to ? ', ' + number(search.from) + ' to ' + number(search.to) +
    ' of ' + number(search.last) : '') + '. ', search.next ? h('button', { type: 'button', onclick: () => look(search.next) }, 'Look further') : null);
}
