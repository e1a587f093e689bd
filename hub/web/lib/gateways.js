// SPDX-License-Identifier: Apache-2.0
// What a gateway's report says, in words; shared by the fleet and the page of one gateway.
import { h, said } from './dom.js';
import { bytes, duration, number } from './format.js';

const DAY_S = 86400;

// Sizes and seqs are 64 bits of a device, so that each may be a BigInt, which does not mix with
// numbers: figured with are their nearest numbers.
export const diskShare = ({ disk }) => disk.total_bytes ? Number(disk.free_bytes) / Number(disk.total_bytes) : 2;

export function stateOf(gateway) {
  if (gateway.stopped_as_clone) return ['stopped as clone', 'bad'];
  if (gateway.state === 'clone') return ['clone', 'bad'];
  if (gateway.state === 'silent') return ['silent', 'bad'];
  return troubles(gateway).some((trouble) => trouble.bad) ? ['live', 'warn'] : ['live', 'good'];
}

// What wants a look, the worst first: {words, bad}.
export function troubles(gateway) {
  const found = [];
  const bad = (...words) => found.push({ words, bad: true });
  const warn = (...words) => found.push({ words, bad: false });
  if (gateway.clone) bad('two machines report as this gateway');
  if (gateway.state === 'silent') bad('no report for ' + duration(gateway.age_s));
  for (const fork of gateway.forks) if (fork.kind !== 'clone') bad(fork.kind.replace('_', ' '));
  if (gateway.last_error) bad(said(gateway.last_error));
  const disk = gateway.disk;
  if (disk.total_bytes && diskShare(gateway) < 0.05) bad('disk nearly full');
  else if (disk.days_left !== undefined && disk.days_left < 7) warn('disk full in ' + duration(disk.days_left * DAY_S));
  if (!gateway.clock.trusted) warn('clock not trusted');
  else if (Math.abs(gateway.clock.off_s || 0) > 60) warn('clock is off');
  if ((gateway.lag_s || 0) > 600) warn('behind for ' + duration(gateway.lag_s));
  return found;
}

export function clockWords(gateway) {
  const { trusted, off_s: off } = gateway.clock;
  const words = off === undefined || Math.abs(off) <= 2 ? 'in step' : duration(Math.abs(off)) + (off > 0 ? ' ahead' : ' behind');
  return h('div', {}, words, trusted ? null : h('div', { class: 'soft' }, 'not trusted'));
}

export function diskWords(gateway) {
  const { free_bytes: free, total_bytes: total, days_left: days } = gateway.disk;
  if (!total) return '';
  const full = Math.min(1, Math.max(0, 1 - diskShare(gateway)));
  return h('div', { class: 'disk' }, h('div', {}, bytes(free) + ' free'),
           h('meter', { min: 0, max: 1, low: 0.8, high: 0.95, optimum: 0, value: full, 'aria-label': 'disk in use',
                        title: Math.round(full * 100) + ' % of ' + bytes(total) + ' in use' }),
           days !== undefined ? h('div', { class: 'soft' }, days > 3650 ? 'years left' : duration(days * DAY_S) + ' left') : null);
}

// Each lane that holds anything: its name, newest seq, and what of it waits for the hub.
export function laneBars(gateway) {
  const lanes = Object.entries(gateway.lanes).filter(([, lane]) => lane.last > 0);
  if (!lanes.length) return h('span', { class: 'soft' }, 'nothing yet');
  return h('dl', { class: 'lanes' }, lanes.map(([name, lane]) => h('div', {},
    h('dt', {}, name), h('dd', {}, number(lane.last)),
    h('dd', { class: lane.backlog > 0 ? 'waits' : 'soft' }, lane.backlog > 0 ? number(lane.backlog) + ' wait' : 'all sent'))));
}

export function forkNotes(gateway) {
  return gateway.forks.map((fork) => h('div', { class: 'callout bad' },
    h('h3', {}, fork.kind.replace('_', ' ')), h('p', {}, said(fork.words, 600) , '.'),
    h('p', {}, h('b', {}, 'What to do: '), said(fork.do, 600), '.')));
}
