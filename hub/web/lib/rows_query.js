// SPDX-License-Identifier: Apache-2.0
// What the page asks of GET /v1/models/{model}/{table}, and how it stands in the address.
export const OPERATORS = [['=', '='], ['!=', '\u2260'], ['<', '<'], ['<=', '\u2264'], ['>', '>'], ['>=', '\u2265'],
                          ['null', 'has no value'], ['some', 'has a value']];
const CONDITION = /^([^=!<>]+?)(!=|<=|>=|=|<|>)([\s\S]*)$/;

export function readConditions(query) {
  const out = [];
  for (const text of query.getAll('where')) {
    const found = CONDITION.exec(text);
    if (found) out.push({ column: found[1], operator: found[2], value: found[3] });
  }
  for (const [key, operator] of [['null', 'null'], ['some', 'some']])
    for (const column of query.getAll(key)) out.push({ column, operator, value: '' });
  return out;
}

function append(query, conditions, forHub) {
  for (const { column, operator, value } of conditions) {
    if (operator === 'null' || operator === 'some') {
      if (forHub) query.append(column + '__null', String(operator === 'null')); else query.append(operator, column);
    } else if (value !== '') {
      query.append('where', column + operator + value);
    }
  }
}

export function hubQuery({ conditions, order, limit, page, fields }) {
  const query = new URLSearchParams();
  append(query, conditions, true);
  if (order) query.set('order', order);
  if (fields) query.set('fields', fields.join(','));
  query.set('limit', String(limit));
  if (page) query.set('page', page);
  return query.toString();
}

export function addressQuery({ conditions, order, chart }) {
  const query = new URLSearchParams();
  append(query, conditions, false);
  if (order) query.set('order', order);
  if (chart) query.set('chart', '1');
  return query.toString();
}
