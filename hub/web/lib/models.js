// SPDX-License-Identifier: Apache-2.0
// A model's state, versions, rebuild and last verification, as far as the hub tells them.
import { h } from './dom.js';
import { ago, duration, number, tag } from './format.js';

export function bar(done, all, words) {
  const share = all > 0 ? Math.min(1, Number(done) / Number(all)) : 1;
  return h('div', { class: 'progress' }, h('progress', { max: 1, value: share, 'aria-label': words }), h('span', { class: 'soft' }, words));
}

export function shards(model) {
  return model.shards.map((shard) => h('div', { class: 'shard' },
    h('div', { class: 'row' }, h('b', {}, shard.shard), tag(shard.state),
      shard.lag > 0 ? h('span', {}, number(shard.lag) + ' events, ' + duration(shard.lag_s) + ' behind')
        : h('span', { class: 'soft' }, shard.connected ? 'has read everything' : 'no connection')),
    bar(shard.position, shard.hub_last, number(shard.position) + ' of ' + number(shard.hub_last)),
    shard.last_error ? h('p', { class: 'note bad' }, shard.last_error) : null));
}

export function rebuild(model) {
  const build = model.rebuild || model.building;
  if (!build) return null;
  const of = build.target ?? build.hub_last ?? build.to;
  const at = build.position ?? build.read ?? build.at;
  return h('div', { class: 'callout' }, h('h3', {}, 'Version ' + (build.id ?? build.version ?? '') + ' is being built beside'),
    of !== undefined ? bar(at, of, number(at) + ' of ' + number(of) + (build.rate ? ', ' + number(Math.round(build.rate)) + ' a second' : '') +
      (build.eta_s !== undefined && build.eta_s !== null ? ', ready in ' + duration(build.eta_s) : '')) : null,
    build.state ? h('p', { class: 'soft' }, build.state) : null,
    build.last_error ? h('p', { class: 'note bad' }, build.last_error) : null);
}

export function verified(model) {
  const last = model.verify || model.last_verify;
  if (!last) return null;
  const bad = Number(last.differences || 0) > 0;
  const running = last.state === 'running';
  return [tag(running ? 'running' : bad ? 'differs' : last.error ? 'failed' : 'agrees', running ? 'warn' : bad || last.error ? 'bad' : 'good'), ' ',
          running ? 'comparing with the log' : bad ? number(last.differences) + ' differences' : last.error ? last.error
            : last.rows !== undefined ? number(last.rows) + ' rows compared' : '', ' ', ago(last.at || last.ended_at)];
}

export function versions(model) {
  const all = Array.isArray(model.versions) ? model.versions : [];
  if (!all.length) return 'v' + model.version;
  return all.map((one, i) => [i ? ', ' : '', 'v' + (one.id ?? one.version) + (one.state ? ' ' + one.state : '')]);
}
