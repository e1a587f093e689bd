// SPDX-License-Identifier: Apache-2.0
// The chart over a table: which column is time, which are drawn, a line for each of what.
import { Picture, series, SERIES_MAX } from './chart.js';
import { choices, h, labelled } from './dom.js';
import { number } from './format.js';

const WATCHED = '\n';  // as the x axis: what is seen while the page is open
const POINTS_MAX = 2000;
const BARS_MAX = 60;

export class ChartPanel {
  constructor(columns, changed) {
    this.columns = columns;
    this.shown = false;
    this.seen = [];  // rows with $at, for tables that keep no history
    const times = columns.filter((column) => column.type === 'time');
    const keys = columns.filter((column) => column.key);
    this.numbers = columns.filter((column) => column.type === 'int' || column.type === 'real');
    if (!this.numbers.length) this.numbers = columns.filter((column) => !column.type && !column.key);
    const again = () => { this.seen = []; changed(); };
    this.x = h('select', { onchange: again });
    this.by = h('select', { onchange: again });
    this.rows = h('select', { onchange: again });
    const timeKey = times.find((column) => column.key);
    choices(this.x, [...times.map((column) => [column.name, column.name]), [WATCHED, 'while I watch'], ['', 'none: a bar a row']],
            timeKey ? timeKey.name : WATCHED);
    choices(this.by, [['*', 'each key'], ...columns.filter((column) => column.type === 'text' || column.key).map((column) => [column.name, column.name]),
                      ['', 'all in one']], keys.some((column) => column.type !== 'time') ? '*' : '');
    choices(this.rows, [['200', 'newest 200 rows'], ['1000', 'newest 1,000 rows'], ['5000', 'newest 5,000 rows']], '1000');
    const preferred = this.numbers.filter((column) => !column.key);
    this.ys = this.numbers.map((column) => {
      const box = h('input', { type: 'checkbox', onchange: again });
      box.checked = column === (preferred[0] || this.numbers[0]);
      return { name: column.name, box };
    });
    this.canvas = h('canvas', { role: 'img', 'aria-label': 'chart of the rows' });
    this.picture = new Picture(this.canvas);
    this.hint = h('p', { class: 'hint', role: 'status' });
    this.frame = h('div', { class: 'canvas' }, this.canvas);
    this.node = h('section', { class: 'chart', hidden: true },
      h('div', { class: 'bar' }, labelled('time', this.x), labelled('a line for', this.by), labelled('of', this.rows),
        h('fieldset', {}, h('legend', {}, 'draw'), this.ys.map(({ name, box }) => h('label', { class: 'check' }, box, name)))),
      this.frame, this.hint);
    this.button = h('button', { type: 'button', 'aria-expanded': 'false', onclick: () => { this.open(!this.shown); changed(); } }, 'Chart');
    if (!this.numbers.length) this.button.disabled = true;
  }

  open(shown) {
    this.shown = shown && this.numbers.length > 0;
    this.node.hidden = !this.shown;
    this.button.setAttribute('aria-expanded', String(this.shown));
  }

  async update(ask) {
    const ys = this.ys.filter(({ box }) => box.checked).map(({ name }) => name);
    if (!ys.length) return this.say('Choose at least one column to draw.');
    const x = this.x.value;
    const overTime = x && x !== WATCHED;
    const by = this.by.value === '*' ? this.columns.filter((column) => column.key && column.name !== x).map((column) => column.name)
      : this.by.value ? [this.by.value] : [];
    const fields = [...new Set([...(overTime ? [x] : []), ...by, ...ys])];
    const limit = overTime ? Number(this.rows.value) : BARS_MAX;
    const answer = await ask({ fields, limit, order: overTime ? '-' + x : '' });
    if (!answer.rows.length) return this.say('There is nothing to draw: no row fits.');
    if (x === WATCHED) return this.watch(answer.rows, ys, by);
    const { lines, left } = series(answer.rows, { x: overTime ? x : null, ys, by: overTime ? by : [] });
    if (!lines.length) return this.say('None of these rows has a value to draw.');
    this.frame.hidden = false;
    await this.picture.update({ lines, labels: overTime ? undefined : answer.rows.map((row) => by.map((column) => row[column]).join(' / ')) });
    this.hint.textContent = number(answer.rows.length) + ' rows' + (answer.next ? ', the rest is not drawn' : '') + this.more(left);
  }

  // A table with one row a key has no past: it is drawn from when the page was opened.
  async watch(rows, ys, by) {
    const at = new Date().toISOString();
    this.seen.push(...rows.map((row) => ({ ...row, $at: at })));
    if (this.seen.length > POINTS_MAX * 2) this.seen.splice(0, this.seen.length - POINTS_MAX);
    const { lines, left } = series(this.seen, { x: '$at', ys, by });
    if (!lines.length) return this.say('None of these rows has a value to draw.');
    this.frame.hidden = false;
    await this.picture.update({ lines });
    this.hint.textContent = 'The table keeps one row a key; drawn is what it held while this page was open.' + this.more(left);
  }

  more(left) { return left ? ' ' + number(left) + ' lines beyond the first ' + SERIES_MAX + ' are left out: filter the rows.' : ''; }
  say(words) {
    this.frame.hidden = true;
    this.hint.textContent = words;
  }
  end() { this.picture.end(); }
}
