// SPDX-License-Identifier: Apache-2.0
// Events as they reach the hub. The hub sends at most so many a second, and says how many it left out.
import { enc, listen } from '../lib/api.js';
import { h, labelled, lines, said, show as visible } from '../lib/dom.js';
import { number, time } from '../lib/format.js';
import { print } from '../lib/json.js';

export const title = 'Live';
const KEPT = 200;
const AGAIN_MS = [500, 1000, 2000, 5000];

export function show(view, context) {
  const inputs = {};
  const field = (key, words, placeholder) => {
    inputs[key] = h('input', { id: 'live-' + key, value: context.query.get(key) || '', placeholder, autocomplete: 'off', oninput: soon });
    return labelled(words, inputs[key]);
  };
  const state = h('p', { class: 'hint', role: 'status' }, 'connecting');
  const pause = h('button', { type: 'button', 'aria-pressed': 'false', onclick: toggle }, 'Pause');
  const list = h('ol', { class: 'events' });
  view.append(h('h1', {}, 'Live'),
    h('form', { class: 'bar', onsubmit: (event) => event.preventDefault() },
      field('gateway', 'gateway', 'all'), field('category', 'category', 'all'), field('type', 'type', 'all'), field('text', 'text in it', 'any'),
      h('div', { class: 'actions' }, pause, h('button', { type: 'button', onclick: () => { list.replaceChildren(); count(0, true); } }, 'Clear'))),
    state, list);

  let session = null;
  let timer = 0;
  let seen = 0;
  let left_out = 0;
  let paused = false;
  let waiting = [];

  function count(more, reset) {
    seen = reset ? 0 : seen + more;
    if (reset) left_out = 0;
    state.textContent = (session?.open ? (seen ? number(seen) + ' events' : 'listening, nothing has come yet') : state.textContent) +
      (session?.open && left_out ? ', ' + number(left_out) + ' left out' : '') + (paused && waiting.length ? ', ' + number(waiting.length) + ' wait' : '');
  }
  function toggle() {
    paused = !paused;
    pause.textContent = paused ? 'Go on' : 'Pause';
    pause.setAttribute('aria-pressed', String(paused));
    if (!paused) { for (const event of waiting) put(event); waiting = []; }
    count(0);
  }
  function put(event) {
    list.prepend(line(event));
    while (list.childNodes.length > KEPT) list.lastChild.remove();
  }
  function take(name, data) {
    if (name === 'event') {
      if (paused) { waiting.push(data); if (waiting.length > KEPT) waiting.shift(); } else put(data);
      count(1);
    } else if (name === 'dropped') {
      left_out += Number(data.count);
      count(0);
    } else if (name === 'trouble') {
      state.textContent = data.message;
    }
  }
  function soon() { clearTimeout(timer); timer = setTimeout(start, 350); }

  async function start() {
    session?.stop.abort();
    const query = {};
    for (const [key, input] of Object.entries(inputs)) if (input.value.trim()) query[key] = input.value.trim();
    context.remember(query);
    const mine = { stop: new AbortController(), open: false };
    session = mine;
    const text = Object.entries(query).map(([key, value]) => key + '=' + enc(value)).join('&');
    for (let round = 0; !mine.stop.signal.aborted; round += 1) {
      try {
        await listen('v1/tail' + (text ? '?' + text : ''), { signal: mine.stop.signal, event: (name, data) => {
          if (mine.stop.signal.aborted) return;
          if (!mine.open) { mine.open = true; round = 0; count(0); }
          take(name, data);
        } });
      } catch (error) {
        if (mine.stop.signal.aborted) return;
        mine.open = false;
        state.textContent = error.message + ', trying again';
        if (error.status === 400) { state.textContent = error.message; return; }
      }
      await new Promise((done) => setTimeout(done, AGAIN_MS[Math.min(round, AGAIN_MS.length - 1)]));
    }
  }
  context.signal.addEventListener('abort', () => { clearTimeout(timer); session?.stop.abort(); });
  start();
}

function line(event) {
  const data = print(event.data) ?? '';
  const identity = event.identity;
  return h('li', {}, h('details', {},
    h('summary', {}, h('span', { class: 'when' }, time(event.stored_at)), h('span', { class: 'who' }, said(event.gateway, 40)),
      h('span', { class: 'what' }, h('b', {}, said(event.type, 60)), ' ', said(event.stream, 80)), h('span', { class: 'data mono' }, said(data, 200))),
    h('div', { class: 'more' }, h('p', {}, h('a', { href: '#/trail/' + enc(identity) }, 'its way'), ' ', h('span', { class: 'mono soft' }, visible(identity))),
      h('pre', {}, event.data_bytes ? 'not shown: the event is ' + number(event.data_bytes) + ' bytes' : lines(pretty(event.data), 20000)))));
}

export function pretty(data) {
  return print(data, 1) ?? '';
}
