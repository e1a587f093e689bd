// SPDX-License-Identifier: Apache-2.0
// What waits and what was put aside, and the two ways on.
import { enc } from '../lib/api.js';
import { askReason, cell, h, patch, said, say, show as visible, table } from '../lib/dom.js';
import { ago, number, plural, tag } from '../lib/format.js';
import { print } from '../lib/json.js';
import { oldFigures } from '../lib/models.js';

export const title = 'Holds';
const LATE_S = 600;
const KINDS = { missing: 'did not come', beginning: 'the epoch\u2019s first event never came', predecessor: 'a later epoch waits for these' };

export function show(view, context) {
  const holds = table([['gateway'], ['lane'], ['missing'], ['waiting', 'number'], ['since'], ['model'], ['']]);
  const parked = table([['event'], ['why'], ['parked'], ['model'], ['']]);
  const holdsHint = h('p', { class: 'hint' }, 'Asking the hub.');
  const parkedHint = h('p', { class: 'hint' }, 'Asking the hub.');
  const done = h('p', { class: 'notice good', role: 'status', hidden: true });
  const oldness = h('p', { class: 'note bad', hidden: true });
  const away = h('p', { class: 'note bad', hidden: true });
  view.append(h('h1', {}, 'Holds and parked events'), done, oldness, away,
    h('section', {}, h('h2', {}, 'Holds'), holdsHint, holds.node),
    h('section', { id: 'parked' }, h('h2', {}, 'Parked'), parkedHint, parked.node));

  async function deed(path, post, words) {
    try {
      const answer = await context.ask(path, { post });
      done.className = answer.settled === false ? 'notice' : 'notice good';
      done.textContent = words(answer) + (answer.event === false || answer.recorded === false ? ' It is in the hub\u2019s log only: ' + (answer.event_error || 'no gateway beside the hub stores its events') + '.' : '');
    } catch (error) {
      done.className = 'notice bad';
      done.textContent = error.message;
    }
    done.hidden = false;
    refresh();
  }

  async function skip(hold) {
    const reason = await askReason('Give up ' + range(hold) + '?',
      ['The ' + plural(hold.held, 'event') + ' behind it take effect without ' + (hold.from === hold.to ? 'it' : 'them') +
       ', in every model that waits there. What comes of it later is parked as late, never applied.'], 'Skip');
    if (reason) await deed('v1/holds/skip', { gateway: hold.gateway, epoch: hold.epoch, lane: hold.lane, to: hold.to, reason },
                           (answer) => plural(answer.holes, 'hole') + ' given up, ' + plural(answer.applied, 'event') + ' went on.');
  }

  async function settle(event, verb) {
    const words = (answer) => answer.settled === false ? 'It still does not fit: ' + answer.why
      : (verb === 'skip' ? 'Given up; ' : 'Applied; ') + plural(answer.applied, 'event') + ' took effect.';
    if (verb === 'retry') return deed('v1/parked/retry', { model: event.model, event: event.event }, words);
    const reason = await askReason('Give up this event of ' + visible(event.stream) + '?',
      ['It takes no effect in ' + event.model + ', for good. ' + (event.behind > 0 ? plural(event.behind, 'later event') + ' of its stream ' + (event.behind === 1 ? 'goes' : 'go') + ' on.' : 'Nothing waits behind it.')], 'Skip');
    if (reason) await deed('v1/parked/skip', { model: event.model, event: event.event, reason }, words);
  }

  const refresh = context.every(5000, async () => {
    const only = context.query.get('model');
    const [answer, aside] = await Promise.all([context.ask('v1/holds'), context.ask('v1/parked' + (only ? '?model=' + enc(only) : ''))]);
    holdsHint.textContent = answer.holds.length
      ? 'Events wait behind what is missing. Their gateway was asked for it; after 10 minutes it is worth asking why.'
      : 'Nothing waits: every event that arrived has taken effect or was put aside.';
    holds.node.hidden = !answer.holds.length;
    patch(holds.body, answer.holds, (hold) => [hold.model, hold.gateway, hold.epoch, hold.lane, hold.from].join('\n'), (hold) => h('tr', {},
      cell('gateway', h('a', { href: '#/gateway/' + enc(hold.gateway) }, said(hold.gateway)), 'name'),
      cell('lane', h('div', {}, hold.lane, h('div', { class: 'soft mono' }, hold.epoch))),
      cell('missing', h('div', {}, range(hold), h('div', { class: 'soft' }, KINDS[hold.kind] || hold.kind), hold.blocked ? tag('blocked') : null)),
      cell('waiting', number(hold.held), 'number'),
      cell('since', ago(hold.since), hold.late ? 'bad' : ''),
      cell('model', h('a', { href: '#/model/' + enc(hold.model) }, hold.model)),
      cell('', h('button', { type: 'button', onclick: () => skip(hold) }, 'Skip\u2026'))), (hold) =>
      print({ ...hold, age_s: hold.age_s > LATE_S }));
    showParked(aside.parked);
    say(oldness, oldFigures(Math.max(answer.figures_s_ago, aside.figures_s_ago), 'a model\u2019s database'));
    say(away, answer.away.map((model) => model.model + ': ' + model.why).join('\n'));
  });

  function showParked(events) {
    const wanted = context.query.get('model');
    parkedHint.replaceChildren(events.length
      ? 'These events were put aside: applying them failed, or they came after they had been given up. Everything else goes on.'
      : 'No event is parked' + (wanted ? ' in ' + wanted : '') + '.');
    if (wanted) parkedHint.append(' ', h('a', { href: '#/holds/parked' }, 'show all models'));
    parked.node.hidden = !events.length;
    patch(parked.body, events, (event) => event.model + '\n' + event.event, (event) => {
      return h('tr', {},
        cell('event', h('div', {}, h('a', { href: '#/trail/' + enc(event.event) }, said(event.stream, 80)), h('div', {}, said(event.type, 80)),
          h('div', { class: 'soft mono' }, said(event.event, 120))), 'name'),
        cell('why', h('div', {}, tag(event.kind, 'bad'), ' ', said(event.why, 600), event.behind > 0
          ? h('div', { class: 'note' }, plural(event.behind, 'later event') + ' of its stream ' + (event.behind === 1 ? 'waits' : 'wait') + ' behind it') : null), 'wide'),
        cell('parked', ago(event.parked_at)),
        cell('model', h('a', { href: '#/model/' + enc(event.model) }, event.model)),
        cell('', h('div', { class: 'actions' }, h('button', { type: 'button', onclick: () => settle(event, 'retry') }, 'Retry'),
          h('button', { type: 'button', onclick: () => settle(event, 'skip') }, 'Skip\u2026'))));
    });
    if (context.parts[0] === 'parked') {
      context.parts[0] = '';
      document.getElementById('parked').scrollIntoView();
    }
  }
}

function range(hold) {
  return hold.from === hold.to ? 'seq ' + number(hold.from) : 'seq ' + number(hold.from) + ' to ' + number(hold.to);
}
