// SPDX-License-Identifier: Apache-2.0
// Figures in words.
import { h } from './dom.js';

export const number = (value) => (typeof value === 'bigint' ? value : Number(value || 0)).toLocaleString('en-GB');

export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return '';
  const s = Math.max(0, Math.floor(Number(seconds)));
  if (s < 60) return s + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min' + (s < 600 && s % 60 ? ' ' + s % 60 + ' s' : '');
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor((s % 3600) / 60) + ' min';
  return Math.floor(s / 86400) + ' d ' + Math.floor((s % 86400) / 3600) + ' h';
}

export function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = Number(count || 0);
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) { value /= 1024; unit += 1; }
  return (unit === 0 ? value : value.toFixed(1)) + ' ' + units[unit];
}

// Local time to the second, or as `exact` to the millisecond; the whole of it in the title: the
// server writes nanoseconds in UTC.
export function time(text, exact) {
  if (!text) return '';
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return String(text);
  const pad = (n) => String(n).padStart(2, '0');
  const day = at.getFullYear() + '-' + pad(at.getMonth() + 1) + '-' + pad(at.getDate());
  const clock = pad(at.getHours()) + ':' + pad(at.getMinutes()) + ':' + pad(at.getSeconds()) +
    (exact ? '.' + String(at.getMilliseconds()).padStart(3, '0') : '');
  const today = new Date().toDateString() === at.toDateString();
  return h('time', { datetime: text, title: text }, today ? clock : day + ' ' + clock);
}

// The hub's clock against this one, so that ages are the hub's.
let offset_ms = 0;
export function hubNow(text) {
  const at = Date.parse(text);
  if (!Number.isNaN(at)) offset_ms = at - Date.now();
}
const ageText = (text) => duration((Date.now() + offset_ms - Date.parse(text)) / 1000) + ' ago';

// An age that goes on by itself.
export function ago(text) {
  if (!text) return '';
  return h('time', { class: 'age', datetime: text, title: text }, ageText(text));
}
setInterval(() => {
  for (const node of document.querySelectorAll('time.age')) {
    const words = ageText(node.dateTime);
    if (node.textContent !== words) node.textContent = words;
  }
}, 1000);

const TONES = { running: 'good', live: 'good', 'caught-up': 'good', serving: 'good', applied: 'good', agrees: 'good',
                stored: 'good', acknowledged: 'good', good: 'good', lagging: 'warn', building: 'warn', waiting: 'warn', held: 'warn', silent: 'bad',
                stalled: 'bad', blocked: 'bad', clone: 'bad', parked: 'bad', late: 'bad', differs: 'bad', failed: 'bad' };
export function tag(word, tone) {
  return h('span', { class: 'tag ' + (tone || TONES[word] || 'plain') }, word);
}

export const plural = (n, one, many) => number(n) + ' ' + (Number(n) === 1 ? one : many || one + 's');
