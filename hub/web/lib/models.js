// SPDX-License-Identifier: Apache-2.0
// A model's state, versions, rebuild and last verification, as far as the hub tells them.
import { enc } from './api.js';
import { h, said } from './dom.js';
import { ago, duration, number, plural, tag } from './format.js';
import { print as json } from './json.js';

export function bar(done, all, words) {
  const share = all > 0 ? Math.min(1, Number(done) / Number(all)) : 1;
  return h('div', { class: 'progress' }, h('progress', { max: 1, value: share, 'aria-label': words }), h('span', { class: 'soft' }, words));
}

export function shards(model) {
  return model.shards.map((shard) => h('div', { class: 'shard' },
    h('div', { class: 'row' }, h('b', {}, shard.shard), tag(shard.state),
      shard.state === 'elsewhere' ? h('span', { class: 'soft' }, 'another worker reads it')
        : shard.lag > 0 ? h('span', {}, plural(shard.lag, 'event') + ', ' + duration(shard.lag_s) + ' behind')
        : h('span', { class: 'soft' }, shard.connected ? 'has read everything' : 'no connection')),
    shard.state === 'elsewhere' ? null : bar(shard.position, shard.hub_last, number(shard.position) + ' of ' + number(shard.hub_last)),
    shard.last_error ? h('p', { class: 'note bad' }, shard.last_error) : null));
}

// Said when a database has not answered for some seconds; its figures are those that it gave last.
export const oldFigures = (seconds, whose) => seconds < 5 ? ''
  : 'These figures are ' + duration(seconds) + ' old: ' + whose + ' does not answer.';

// The version that is being built beside the one that serves, and what is wrong with the model file.
export function rebuild(model) {
  const build = model.building;
  return [
    model.lost ? h('div', { class: 'callout bad' }, h('h3', {}, 'A database is gone'),
      h('p', {}, 'Version ' + model.lost + ' served, and its database was not there when the hub started. What operators decided since version ' +
        model.serving + ' is lost. Build it anew: '), h('code', {}, 'sluice model rebuild ' + model.model)) : null,
    model.problem ? h('div', { class: 'callout bad' }, h('h3', {}, 'The model file'), h('p', {}, said(model.problem, 600))) : null,
    build ? h('div', { class: 'callout' },
      h('div', { class: 'row' }, h('h3', {}, 'Version ' + build.version + (build.returning ? ' returns' : ' is built beside')),
        tag(build.state, build.state === 'refused' ? 'bad' : 'warn')),
      bar(build.position, build.hub_last, build.percent + ' %' + (build.rate ? ', ' + number(build.rate) + ' a second' : '') +
        (build.state === 'reading' && build.eta_s > 0 ? ', has read all in about ' + duration(build.eta_s) : '')),
      build.why ? h('p', {}, said(build.why, 600)) : null,
      build.sample ? h('p', { class: 'soft' }, said(build.sample, 300)) : null,
      build.reason ? h('p', { class: 'soft' }, 'because: ', said(build.reason, 300)) : null) : null];
}

export function verified(model) {
  const last = model.verify;
  if (!last || last.state === 'never') return null;
  const words = { good: 'agrees with the log', differs: plural(last.differences, 'difference') + ' from the log', running: 'comparing with the log',
                  waiting: 'waits for its turn', unknown: 'nothing could be compared', failed: last.error };
  return [tag(last.state, last.state === 'running' || last.state === 'waiting' ? 'warn' : undefined), ' ', words[last.state] || '', ' ',
          last.rows ? '(' + number(last.rows) + ' rows) ' : '', last.at ? ago(last.at) : ''];
}

// What a verification found, in the order of its report.
export function findings(list) {
  const cells = (one) => one.columns.map((cell) => h('div', {}, cell.column + ': ', said(print(cell.found), 80),
    h('span', { class: 'soft' }, ', the log says '), said(print(cell.expected), 80)));
  return h('ul', { class: 'findings' }, list.map((one) => h('li', {},
    h('div', {}, tag(one.kind, 'bad'), ' ', one.table, ' ', h('span', { class: 'mono' }, said(Object.values(one.key).map(print).join(' '), 160))),
    cells(one),
    h('div', { class: 'soft' }, one.words, one.first_event
      ? [': ', h('a', { href: '#/trail/' + enc(one.first_event.identity) }, said(one.first_event.identity, 120))] : ''))));
}
const print = (value) => value === null ? 'no value' : typeof value === 'object' ? json(value) : String(value);

export function versions(model) {
  const kept = (model.kept || []).map((one) => one.version).join(', ');
  return [tag(model.serving || String(model.version), 'good'), ' serves', kept ? ', ' + kept + ' kept' : ''];
}
