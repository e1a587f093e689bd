// SPDX-License-Identifier: Apache-2.0
// Rings when a table has changed, so that what is shown follows at once and not at the next look.
// Where it cannot (too many streams, an older hub), the page still looks every few seconds.
import { listen } from './api.js';

const TOGETHER_MS = 300;  // changes that come together ring once
const AGAIN_MAX_MS = 30000;

async function hear(path, signal, ring) {
  for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, AGAIN_MAX_MS)) {
    try {
      await listen(path, { signal, event: (name, data) => {
        wait = 1000;
        if (name === 'change' || (name === 'reset' && data.why !== 'begin')) ring();
      } });
    } catch (error) {
      if (signal.aborted || (error.status >= 400 && error.status < 500)) return;
    }
    await new Promise((done) => setTimeout(done, wait));
  }
}

// A browser opens few connections to one hub: a page that nobody sees lets its own go.
export function bell(path, signal, rung) {
  let timer = 0;
  let mine = null;
  const ring = () => { timer ||= setTimeout(() => { timer = 0; if (!signal.aborted) rung(); }, TOGETHER_MS); };
  const look = () => {
    if (document.hidden) { mine?.abort(); mine = null; return; }
    if (mine || signal.aborted) return;
    mine = new AbortController();
    hear(path, mine.signal, ring);
  };
  document.addEventListener('visibilitychange', look);
  signal.addEventListener('abort', () => {
    document.removeEventListener('visibilitychange', look);
    clearTimeout(timer);
    mine?.abort();
  });
  look();
}
