// SPDX-License-Identifier: Apache-2.0
// All gateways: what is wrong first.
import { enc } from '../lib/api.js';
import { cell, choices, h, labelled, patch, said, table } from '../lib/dom.js';
import { ago, duration, hubNow, number, plural, tag } from '../lib/format.js';
import { clockWords, diskShare, diskWords, laneBars, stateOf, troubles } from '../lib/gateways.js';
import { print } from '../lib/json.js';

export const title = 'Fleet';
const SHOWN_MAX = 300;

const byBacklog = (a, b) => Number(b.backlog) - Number(a.backlog);
const ORDERS = {
  trouble: ['trouble first', (a, b) => rank(b) - rank(a) || byBacklog(a, b)],
  name: ['name', () => 0],
  backlog: ['backlog', byBacklog],
  lag: ['lag', (a, b) => (b.lag_s || 0) - (a.lag_s || 0)],
  seen: ['longest silent', (a, b) => b.age_s - a.age_s],
  disk: ['least disk', (a, b) => diskShare(a) - diskShare(b)],
};
const rank = (gateway) => troubles(gateway).reduce((sum, trouble) => sum + (trouble.bad ? 10 : 1), 0);

const SHOWS = {
  '': ['all', () => true],
  trouble: ['with trouble', (gateway) => troubles(gateway).length > 0],
  behind: ['with a backlog', (gateway) => gateway.backlog > 0],
  silent: ['silent', (gateway) => gateway.state === 'silent'],
  forks: ['forked or cloned', (gateway) => gateway.forks.length > 0 || gateway.clone],
};

export function show(view, context) {
  let answer = null;
  const search = h('input', { type: 'search', id: 'fleet-search', placeholder: 'name, machine, error', autocomplete: 'off',
                              value: context.query.get('q') || '', oninput: draw });
  const which = h('select', { id: 'fleet-which', onchange: draw });
  const order = h('select', { id: 'fleet-order', onchange: draw });
  choices(which, Object.entries(SHOWS).map(([key, [words]]) => [key, words]), context.query.get('show') || '');
  choices(order, Object.entries(ORDERS).map(([key, [words]]) => [key, words]), context.query.get('order') || 'trouble');
  const figures = h('div', { class: 'figures' });
  const hint = h('p', { class: 'hint' }, 'Asking the hub for its gateways.');
  const list = table([['gateway'], ['state'], ['last heard'], ['backlog and lag', 'number'], ['lanes: newest seq, what waits'],
                      ['clock'], ['disk'], ['epochs', 'number']], 'cards fleet');
  list.node.hidden = true;
  view.append(h('h1', {}, 'Fleet'), figures,
              h('form', { class: 'bar', onsubmit: (event) => event.preventDefault() },
                labelled('find', search, 'grow'), labelled('show', which), labelled('order', order)),
              hint, list.node);

  function draw() {
    context.remember({ q: search.value, show: which.value, order: order.value === 'trouble' ? '' : order.value });
    if (!answer) return;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = answer.gateways.filter((gateway) => SHOWS[which.value][1](gateway) &&
      words.every((word) => (gateway.gateway + ' ' + gateway.machine + ' ' + gateway.last_error + ' ' +
                             gateway.version).toLowerCase().includes(word)));
    found.sort(ORDERS[order.value][1]);
    hint.textContent = !answer.gateways.length
      ? 'No gateway has reported yet. A gateway shows up here within five minutes of its first connection; `sluice status` there says what its link does.'
      : !found.length ? 'No gateway fits.'
      : found.length < answer.gateways.length ? number(found.length) + ' of ' + number(answer.gateways.length) + ' fit' +
        (found.length > SHOWN_MAX ? '; the first ' + SHOWN_MAX + ' are shown.' : '.')
      : found.length > SHOWN_MAX ? 'The first ' + SHOWN_MAX + ' of ' + number(found.length) + ' are shown.' : '';
    hint.hidden = !hint.textContent;
    list.node.hidden = !found.length;
    patch(list.body, found.slice(0, SHOWN_MAX), (gateway) => gateway.gateway, row, (gateway) =>
      print({ ...gateway, age_s: Math.floor(gateway.age_s / 60) }));
  }

  context.every(5000, async () => {
    answer = await context.ask('v1/gateways');
    hubNow(answer.now);
    const all = answer.gateways;
    patch(figures, [
      ['gateways', number(all.length)],
      ['with trouble', number(all.filter((gateway) => troubles(gateway).length).length), 'trouble'],
      ['silent', number(all.filter((gateway) => gateway.state === 'silent').length), 'silent'],
      ['events waiting', number(all.reduce((sum, gateway) => sum + Number(gateway.backlog), 0)), 'behind'],
    ], ([name]) => name, ([name, value, key]) =>
      h('button', { class: 'figure' + (key === 'trouble' && value !== '0' ? ' warn' : ''), type: 'button',
                    onclick: () => { which.value = key || ''; draw(); } }, h('b', {}, value), name));
    draw();
    if (!answer.connected) context.trouble('The hub has no connection to NATS' + (answer.last_error ? ': ' + answer.last_error : '') +
      '. The reports below are the last that it had.');
    return answer.connected;
  });
}

function row(gateway) {
  const found = troubles(gateway);
  const lag = gateway.backlog > 0
    ? h('div', {}, h('b', {}, number(gateway.backlog)), gateway.lag_s ? h('div', { class: 'soft' }, '\u2265 ' + duration(gateway.lag_s)) : null)
    : h('span', { class: 'soft' }, 'none');
  return h('tr', {},
    cell('gateway', h('div', {}, h('a', { href: '#/gateway/' + enc(gateway.gateway) }, said(gateway.gateway)),
      h('div', { class: 'soft mono' }, said(gateway.machine, 60))), 'name'),
    cell('state', h('div', {}, tag(...stateOf(gateway)), found.map((trouble) =>
      h('div', { class: trouble.bad ? 'note bad' : 'note' }, trouble.words))), 'wide'),
    cell('last heard', ago(gateway.received_at)),
    cell('backlog', lag, 'number'),
    cell('lanes', laneBars(gateway)),
    cell('clock', clockWords(gateway)),
    cell('disk', diskWords(gateway)),
    cell('epochs', gateway.epochs ? plural(gateway.epochs, 'epoch') : '', 'number'));
}
