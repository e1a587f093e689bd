// SPDX-License-Identifier: Apache-2.0
// Building the page. What devices say is text of strangers: it enters the page as text nodes only,
// made visible by show() and isolated by said().
import { print as json } from './json.js';

// h('td', {class: 'number', onclick}, child, ...): strings become text, null and false nothing.
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value') node.value = value;
    else node.setAttribute(name === 'class' ? 'class' : name, value === true ? '' : String(value));
  }
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(node, child);
    else node.append(child instanceof Node ? child : String(child));
  }
}

// Control characters, and what turns the direction of writing, takes no room or fills it with nothing
// (Unicode's default ignorable code points), by their numbers: text must not look like what it is not.
export function show(text) {
  return String(text).replace(/\n/g, '\u21b5').replace(/\t/g, '\u21e5')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu,
             (c) => '\u27e8U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0') + '\u27e9');
}

// The same for a text that was broken into lines here.
export function lines(text, most) {
  return text.split('\n').map((line, i) => [i ? '\n' : '', said(line, most)]);
}

// A line that is there only while it says something.
export function say(node, words) {
  node.textContent = words;
  node.hidden = !words;
}

export const SHORT = 160;

// Text of a device: isolated from the direction of what stands around it, cut to `most` characters.
export function said(text, most = SHORT) {
  const points = [...show(text)];
  const cut = points.length > most;
  const node = h('bdi', { class: 'said' }, cut ? points.slice(0, most).join('') + '\u2026' : points.join(''));
  if (cut) node.title = points.length.toLocaleString('en-GB') + ' characters';
  return node;
}

// Shows `items` as children of `parent`, in order, and builds only those that are new or differ, so
// that focus, selection and open details outlive a refresh. `print` says when an item differs.
export function patch(parent, items, key, build, print = json) {
  const old = parent.patched || new Map();
  const now = new Map();
  const focused = document.activeElement;
  for (const item of items) {
    const name = key(item);
    const text = print(item);
    let entry = old.get(name);
    if (!entry || entry.text !== text) {
      const node = build(item);
      if (entry && focused && entry.node.contains(focused)) refocus(entry.node, node, focused);
      entry = { text, node };
    }
    now.set(name, entry);
  }
  const nodes = [...now.values()].map((entry) => entry.node);
  if (nodes.length !== parent.childNodes.length || nodes.some((node, i) => parent.childNodes[i] !== node)) {
    const active = document.activeElement;
    parent.replaceChildren(...nodes);
    if (active && active !== document.activeElement && parent.contains(active)) active.focus();
  }
  parent.patched = now;
}

function refocus(old, node, focused) {
  if (focused === old) return queueMicrotask(() => node.focus());
  const path = 'a[href], button, input, select, summary';
  const index = [...old.querySelectorAll(path)].indexOf(focused);
  if (index < 0) return;
  queueMicrotask(() => [...node.querySelectorAll(path)][index]?.focus());
}

// A select with these [value, text] pairs that keeps its choice where it can.
export function choices(select, pairs, wanted = select.value) {
  const print = JSON.stringify(pairs);
  if (select.printed !== print) {
    select.replaceChildren(...pairs.map(([value, text]) => h('option', { value }, text)));
    select.printed = print;
  }
  if (pairs.some(([value]) => value === wanted)) select.value = wanted;
}

export function labelled(text, control, className) {
  return h('label', { class: className }, h('span', {}, text), control);
}

// A table whose rows become cards on a phone; `columns` are [title, class] pairs.
export function table(columns, className = 'cards') {
  const body = h('tbody');
  const node = h('div', { class: 'scroll' },
                 h('table', { class: className },
                   h('thead', {}, h('tr', {}, columns.map(([title, css]) =>
                     h('th', { scope: 'col', class: css }, title)))), body));
  return { node, body };
}

export function cell(label, content, css) {
  const empty = content === null || content === undefined || content === '';
  return h('td', { 'data-label': label, class: [css, empty && 'none'].filter(Boolean).join(' ') || null }, content);
}

// A dialog that asks for a reason; resolves with the reason, or null. Escape closes it.
export function askReason(title, words, action) {
  return new Promise((resolve) => {
    const reason = h('input', { id: 'reason', required: true, maxlength: 400, autocomplete: 'off' });
    const form = h('form', { method: 'dialog' }, h('h2', {}, title), words.map((line) => h('p', {}, line)),
                   labelled('reason, kept with the deed', reason),
                   h('p', { class: 'actions' },
                     h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'),
                     h('button', { class: 'danger', value: 'go' }, action)));
    const dialog = h('dialog', { 'aria-label': title }, form);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      dialog.returnValue = reason.value.trim();
      if (dialog.returnValue) dialog.close(dialog.returnValue);
    });
    dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue || null); });
    document.body.append(dialog);
    dialog.showModal();
    reason.focus();
  });
}
