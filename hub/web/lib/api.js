// SPDX-License-Identifier: Apache-2.0
// Asking the hub, and knowing how old the last answer is.
import { parse, print } from './json.js';
const listeners = new Set();
export const link = { answered_ms: 0, error: '', unauthorized: false };

export function onLink(listener) { listeners.add(listener); }
function tell() { for (const listener of listeners) listener(); }

export class HubError extends Error {
  constructor(message, status) { super(message); this.status = status; }
}

function headers(more) {
  const token = sessionStorage.getItem('token');
  return token ? { ...more, Authorization: 'Bearer ' + token } : { ...more };
}

export async function ask(path, { signal, post } = {}) {
  let answer;
  let text;
  try {
    answer = await fetch(path, { method: post ? 'POST' : 'GET', signal, cache: 'no-store',
                                 headers: headers(post ? { 'Content-Type': 'application/json' } : {}),
                                 body: post ? print(post) : undefined });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    link.error = 'the hub does not answer';
    tell();
    throw new HubError(link.error, 0);
  }
  link.unauthorized = answer.status === 401;
  link.answered_ms = Date.now();
  link.error = '';
  tell();
  let body = {};
  try { body = parse(text); } catch { if (answer.ok) throw new HubError('the hub\u2019s answer is not JSON', answer.status); }
  if (!answer.ok) {
    const error = body.error || {};
    throw new HubError(error.message ? error.message + (error.field ? ' (' + error.field + ')' : '')
                                     : 'the hub answered ' + answer.status, answer.status);
  }
  return body;
}

// Reads server-sent events until `signal` ends it; throws when the hub ends it. EventSource cannot
// send a token, fetch can.
export async function listen(path, { signal, event }) {
  let answer;
  try {
    answer = await fetch(path, { signal, cache: 'no-store', headers: headers({ Accept: 'text/event-stream' }) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new HubError('the hub does not answer', 0);
  }
  link.unauthorized = answer.status === 401;
  tell();
  if (!answer.ok) {
    const body = await answer.json().catch(() => ({}));
    throw new HubError(body.error?.message || 'the hub answered ' + answer.status, answer.status);
  }
  if (!(answer.headers.get('Content-Type') || '').startsWith('text/event-stream')) {
    await answer.body?.cancel();
    throw new HubError('the hub does not send live events here', 501);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new HubError('the hub ended the live events', 0);
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) take(block, event);
  }
}

function take(block, event) {
  let name = 'message';
  let data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) name = line.slice(6).trim();
    else if (line.startsWith('data:')) data += line.slice(5).trimStart();
  }
  if (data) event(name, parse(data));
}

export const enc = encodeURIComponent;
