// SPDX-License-Identifier: Apache-2.0
// JSON whose integers are exact: those that a JavaScript number cannot hold are BigInt, both ways.
// JSON.stringify throws at a BigInt, so that nothing of a hub's answer may go there.

const KEY = '$int' + Math.random();  // no text of a device is taken for it
const READ = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const WRITTEN = new RegExp('\\{\\s*"' + KEY.replace(/[$.]/g, '\\$&') + '":\\s*"(-?\\d+)"\\s*\\}', 'g');

export function parse(text) {
  const marked = text.replace(READ, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? '{"' + KEY + '":"' + token + '"}' : token);
  return JSON.parse(marked, (key, value) => value && typeof value === 'object' && Object.hasOwn(value, KEY) ? BigInt(value[KEY]) : value);
}

// As JSON.stringify; undefined for what JSON does not know.
export function print(value, indent) {
  return JSON.stringify(value, (key, one) => typeof one === 'bigint' ? { [KEY]: String(one) } : one, indent)
    ?.replace(WRITTEN, '$1');
}
