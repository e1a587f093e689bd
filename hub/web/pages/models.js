// SPDX-License-Identifier: Apache-2.0
// All models: state from positions, what waits, what was put aside.
import { enc } from '../lib/api.js';
import { h, patch } from '../lib/dom.js';
import { ago, hubNow, number, tag } from '../lib/format.js';
import { print } from '../lib/json.js';
import { oldFigures, rebuild, shards, verified, versions } from '../lib/models.js';

export const title = 'Models';

export function show(view, context) {
  const hint = h('p', { class: 'hint' }, 'Asking the hub for its models.');
  const away = h('p', { class: 'note bad', hidden: true });
  const list = h('div', { class: 'deck' });
  view.append(h('h1', {}, 'Models'), hint, away, list);
  context.every(3000, async () => {
    const answer = await context.ask('v1/models');
    hubNow(answer.now);
    hint.hidden = answer.models.length > 0 || answer.away.length > 0;
    away.hidden = answer.away.length === 0;
    away.textContent = answer.away.map((model) => model.model + ': ' + model.why).join('\n');
    hint.textContent = 'This hub has no models. Put a *.model.toml file into its models folder, and start it again.';
    patch(list, answer.models, (model) => model.model, card, (model) =>
      print({ ...model, shards: model.shards.map((shard) => ({ ...shard, moved_s_ago: 0 })) }));
  });
}

function figure(name, value, href, bad) {
  const words = [h('b', {}, number(value)), name];
  return href && value > 0 ? h('a', { class: 'figure' + (bad ? ' warn' : ''), href }, words) : h('span', { class: 'figure' }, words);
}

function card(model) {
  return h('section', { class: 'card' },
    h('div', { class: 'row' }, h('h2', {}, h('a', { href: '#/model/' + enc(model.model) }, model.model)), tag(model.state)),
    h('div', { class: 'figures small' }, figure('applied', model.applied), figure('holds', model.holds, '#/holds', true),
      figure('held', model.held, '#/holds', true), figure('parked', model.parked, '#/holds/parked?model=' + enc(model.model), true),
      figure('absent', model.absent)),
    model.figures_s_ago < 5 ? null : h('p', { class: 'note bad' }, oldFigures(model.figures_s_ago, 'its database')),
    shards(model), rebuild(model),
    h('dl', { class: 'pairs' },
      h('dt', {}, 'versions'), h('dd', {}, versions(model)),
      h('dt', {}, 'last verify'), h('dd', {}, verified(model) || h('span', { class: 'soft' }, 'never')),
      h('dt', {}, 'newest event'), h('dd', {}, model.last_event_at ? ago(model.last_event_at) : h('span', { class: 'soft' }, 'none yet')),
      h('dt', {}, 'tables'), h('dd', {}, model.tables.map((table, i) => [i ? ', ' : '',
        h('a', { href: '#/model/' + enc(model.model) + '/' + enc(table.name) }, table.name)]))));
}
