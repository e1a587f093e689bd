// SPDX-License-Identifier: Apache-2.0
// The frame: routes, the token, and how fresh the figures are. Each page is a module with
// show(view, context): it fills `view`, and asks again by context.every().
import { ask, link, onLink } from './lib/api.js';
import { h } from './lib/dom.js';
import { duration } from './lib/format.js';
import * as fleet from './pages/fleet.js';
import * as gateway from './pages/gateway.js';
import * as holds from './pages/holds.js';
import * as live from './pages/live.js';
import * as model from './pages/model.js';
import * as models from './pages/models.js';
import * as trail from './pages/trail.js';

const PAGES = { fleet, gateway, models, model, holds, live, trail };
const UNDER = { gateway: 'fleet', model: 'models' };  // the entry of the menu that a page belongs to
const STALE_MS = 15000;
const $ = (id) => document.getElementById(id);
let current = null;

// "#/model/pumps/rows?order=-at" -> page, parts, query.
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...parts] = path.split('/').map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  return { name: PAGES[name] ? name : 'fleet', parts, query: new URLSearchParams(query || '') };
}

class Context {
  constructor(where, view) {
    Object.assign(this, where);
    this.view = view;
    this.gone = new AbortController();
    this.signal = this.gone.signal;
    this.timers = [];
  }
  // Runs `work` now, every `ms`, and whenever the function that it gives is called: one at a time,
  // once more if it is asked for meanwhile, by itself not while the page is hidden. Says its error.
  every(ms, work) {
    let busy = false;
    let more = false;
    const run = async () => {
      more = busy;
      if (busy || this.signal.aborted) return;
      busy = true;
      try {
        await work();
        if (!this.signal.aborted) this.trouble('');
      } catch (error) {
        if (!this.signal.aborted) this.trouble(error.status === 0 || error.status === 401 ? '' : error.message);
      }
      busy = false;
      if (more) run();
    };
    this.timers.push({ id: setInterval(() => { if (!document.hidden && !busy) run(); }, ms), run });
    run();
    return run;
  }
  trouble(words) {
    $('trouble').hidden = !words;
    $('trouble').textContent = words;
  }
  // Changes the query part of the address without a new page.
  remember(query) {
    const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
    history.replaceState(null, '', location.hash.split('?')[0] + (text ? '?' + text : ''));
  }
  ask(path, options) { return ask(path, { signal: this.signal, ...options }); }
  end() {
    this.gone.abort();
    for (const timer of this.timers) clearInterval(timer.id);
  }
}

function open() {
  current?.end();
  const where = route();
  const view = h('div', { class: 'page' });
  $('view').replaceChildren(view);
  for (const entry of document.querySelectorAll('nav a')) {
    const on = entry.getAttribute('href') === '#/' + (UNDER[where.name] || where.name);
    if (on) entry.setAttribute('aria-current', 'page'); else entry.removeAttribute('aria-current');
  }
  current = new Context(where, view);
  current.trouble('');
  document.title = [...where.parts, PAGES[where.name].title].filter(Boolean).join(' \u00b7 ') + ' \u00b7 Sluice hub';
  PAGES[where.name].show(view, current);
}

function freshness() {
  const age = Date.now() - link.answered_ms;
  const never = link.answered_ms === 0;
  const stale = Boolean(link.error) || (!never && age > STALE_MS && !document.hidden);
  $('token-form').hidden = !link.unauthorized;
  $('status').className = stale || link.unauthorized ? 'bad' : 'good';
  $('status').textContent = link.unauthorized ? 'no token' : never && !link.error ? 'asking' : stale ? 'out of touch' :
    age < 10000 ? 'live' : duration(age / 1000) + ' old';
  $('stale').hidden = !stale;
  $('view').classList.toggle('stale', stale && !never);
  if (stale) {
    $('stale').textContent = 'The hub does not answer. ' +
      (never ? 'Trying again.' : 'What is shown is ' + duration(age / 1000) + ' old. Trying again.');
  }
}

function again() { for (const timer of current?.timers || []) timer.run(); }

onLink(freshness);
setInterval(freshness, 1000);
addEventListener('hashchange', () => { open(); scrollTo(0, 0); $('view').focus({ preventScroll: true }); });
document.addEventListener('visibilitychange', again);
$('skip').addEventListener('click', () => $('view').focus());
$('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('token', $('token').value);
  $('token').value = '';
  open();
});
document.addEventListener('keydown', (event) => {  // "/" goes to the page's search
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey) return;
  const search = document.querySelector('input[type=search]');
  if (search) { event.preventDefault(); search.focus(); }
});
open();
