// SPDX-License-Identifier: Apache-2.0
// One model: its state, and its tables' rows with filter, order, pages and charts.
import { enc } from '../lib/api.js';
import { bell } from '../lib/bell.js';
import { choices, h, labelled, patch, said, say } from '../lib/dom.js';
import { hubNow, number, tag, time } from '../lib/format.js';
import { print } from '../lib/json.js';
import { findings, oldFigures, rebuild, shards, verified, versions } from '../lib/models.js';
import { ChartPanel } from '../lib/chart_panel.js';
import { addressQuery, hubQuery, OPERATORS, readConditions } from '../lib/rows_query.js';

export const title = 'Model';
const PAGE_ROWS = 50;
const DIFFERENCES_SHOWN = 20;

export function show(view, context) {
  const name = context.parts[0] || '';
  const state = h('span');
  const oldness = h('p', { class: 'note bad', hidden: true });
  const about = h('details', { class: 'about' }, h('summary', {}, 'state, versions and verification'), h('div'));
  const hint = h('p', { class: 'hint' }, 'Asking the hub.');
  const tabs = h('div', { class: 'tabs' });
  const box = h('div', { hidden: true });
  const differs = h('section', { hidden: true });
  view.append(h('p', { class: 'crumb' }, h('a', { href: '#/models' }, 'Models')), h('h1', {}, said(name, 80), ' ', state), oldness, about, differs, hint, tabs, box);
  let viewer = null;
  const refresh = context.every(3000, async () => {
    let answer;
    try { answer = await context.ask('v1/models/' + enc(name)); } catch (error) {
      if (error.status !== 404) throw error;
      hint.textContent = 'This hub has no such model.';
      hint.hidden = false;
      return;
    }
    hubNow(answer.now);
    hint.hidden = true;
    patch(state, [answer.state], (word) => word, (word) => tag(word));
    say(oldness, oldFigures(answer.figures_s_ago, 'the model\u2019s database'));
    patch(about.lastChild, [answer], () => 'about', (model) => h('div', { class: 'card' }, shards(model), rebuild(model), h('dl', { class: 'pairs' },
      h('dt', {}, 'versions'), h('dd', {}, versions(model)),
      h('dt', {}, 'last verify'), h('dd', {}, verified(model) || h('span', { class: 'soft' }, 'never')),
      h('dt', {}, 'applied'), h('dd', {}, number(model.applied)),
      h('dt', {}, 'held, parked'), h('dd', {}, number(model.held) + ', ' + number(model.parked)))),
      (model) => print([model.shards.map((shard) => [shard.position, shard.hub_last, shard.state, shard.last_error]), model.building ?? null,
                                 model.serving, model.kept, model.problem, model.lost, String(model.applied), model.held, model.parked, model.verify ?? null]));
    await showDifferences(answer.verify);
    const wanted = context.parts[1] || answer.tables[0]?.name;
    patch(tabs, answer.tables.map((table) => ({ name: table.name, kind: table.kind, on: table.name === wanted })), (table) => table.name,
      (table) => h('a', { href: '#/model/' + enc(name) + '/' + enc(table.name), 'aria-current': table.on ? 'page' : null }, table.name,
                   table.kind === 'view' ? h('span', { class: 'soft' }, ' view') : null));
    const table = answer.tables.find((one) => one.name === wanted);
    if (!table) { hint.textContent = 'This model has no such table.'; hint.hidden = false; return; }
    if (!viewer) {
      box.hidden = false;
      viewer = new Viewer(box, context, name, table, () => refresh());
      bell('v1/models/' + enc(name) + '/' + enc(wanted) + '/follow?limit=1', context.signal, refresh);
    }
    await viewer.refresh();
  });
  context.signal.addEventListener('abort', () => viewer?.end());

  // The report is asked for once for each verification.
  let told = '';
  async function showDifferences(verify) {
    const now = verify?.state === 'differs' ? verify.at : '';
    if (now === told) return;
    const report = now ? (await context.ask('v1/verify/' + enc(name))).report : null;
    told = now;
    differs.hidden = !report;
    if (report) differs.replaceChildren(h('h2', {}, 'Rows that differ from the log'), findings(report.findings.slice(0, DIFFERENCES_SHOWN)),
      h('p', { class: 'hint' }, report.differences > DIFFERENCES_SHOWN ? 'The first ' + DIFFERENCES_SHOWN + ' of ' + number(report.differences) + '. ' : '',
        'A rebuild makes the rows anew from the log, beside these: ', h('code', {}, 'sluice model rebuild ', said(name, 80), ' --reason "..."')));
  }
}

class Viewer {
  constructor(box, context, model, table, again) {
    Object.assign(this, { context, model, table, again });
    this.columns = table.columns;
    this.conditions = readConditions(context.query);
    this.order = context.query.get('order') || '';
    this.pages = [''];  // cursors of the pages up to the one on show
    this.filters = h('div', { class: 'filters' });
    this.error = h('p', { class: 'note bad', role: 'alert', hidden: true });
    this.head = h('tr');
    this.body = h('tbody');
    this.rows = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'rows of ' + table.name },
                  h('table', { class: 'rows' }, h('thead', {}, this.head), this.body));
    this.empty = h('p', { class: 'empty', hidden: true });
    this.back = h('button', { type: 'button', onclick: () => this.turn(-1) }, 'Back');
    this.more = h('button', { type: 'button', onclick: () => this.turn(1) }, 'More');
    this.where = h('span', { class: 'soft' });
    this.chart = new ChartPanel(this.columns, () => { this.remember(); this.again(); });
    this.chart.open(context.query.get('chart') === '1');
    box.append(this.filters, this.error, this.chart.node, this.rows, this.empty,
               h('p', { class: 'pager' }, this.back, this.more, this.where));
    this.drawFilters();
    this.drawHead();
  }

  remember() {
    const text = addressQuery({ conditions: this.conditions, order: this.order, chart: this.chart.shown });
    history.replaceState(null, '', '#/model/' + enc(this.model) + '/' + enc(this.table.name) + (text ? '?' + text : ''));
  }
  changed() {
    this.pages = [''];
    this.remember();
    this.again();
  }
  turn(step) {
    if (step > 0 && this.next) this.pages.push(this.next);
    else if (step < 0 && this.pages.length > 1) this.pages.pop();
    this.again();
  }

  drawFilters() {
    const columns = this.columns.map((column) => [column.name, column.name]);
    this.filters.replaceChildren(...this.conditions.map((condition, i) => {
      const column = h('select', { 'aria-label': 'column', onchange: () => { condition.column = column.value; this.changed(); } });
      const operator = h('select', { 'aria-label': 'comparison', onchange: () => { condition.operator = operator.value; this.drawFilters(); this.changed(); } });
      choices(column, columns, condition.column);
      choices(operator, OPERATORS, condition.operator);
      const needless = condition.operator === 'null' || condition.operator === 'some';
      return h('form', { class: 'filter', onsubmit: (event) => { event.preventDefault(); this.changed(); } }, column, operator,
        needless ? null : h('input', { 'aria-label': 'value', value: condition.value, autocomplete: 'off', placeholder: 'value',
          oninput: (event) => { condition.value = event.target.value; }, onchange: () => this.changed() }),
        h('button', { type: 'button', 'aria-label': 'remove this condition',
          onclick: () => { this.conditions.splice(i, 1); this.drawFilters(); this.changed(); } }, '\u00d7'));
    }), h('button', { type: 'button', onclick: () => {
      this.conditions.push({ column: this.columns[0].name, operator: '=', value: '' });
      this.drawFilters();
      this.filters.querySelector('form:last-of-type select').focus();
    } }, this.conditions.length ? 'And\u2026' : 'Filter\u2026'), this.chart.button);
  }

  drawHead() {
    this.head.replaceChildren(...this.columns.map((column) => {
      const now = this.order === column.name ? 'ascending' : this.order === '-' + column.name ? 'descending' : 'none';
      return h('th', { scope: 'col', 'aria-sort': now, class: isNumber(column) ? 'number' : null },
        h('button', { type: 'button', class: 'sort', onclick: () => {
          this.order = now === 'ascending' ? '-' + column.name : now === 'descending' ? '' : column.name;
          this.drawHead();
          this.changed();
          [...this.head.querySelectorAll('button')][this.columns.indexOf(column)].focus();
        } }, column.name, now === 'ascending' ? ' \u2191' : now === 'descending' ? ' \u2193' : ''));
    }));
  }

  path(parts) { return 'v1/models/' + enc(this.model) + '/' + enc(this.table.name) + '?' + hubQuery(parts); }

  async refresh() {
    const page = this.pages[this.pages.length - 1];
    let answer;
    try {
      answer = await this.context.ask(this.path({ conditions: this.conditions, order: this.order, limit: PAGE_ROWS, page }));
    } catch (error) {
      if (error.status === 0 || error.status === 401 || this.context.signal.aborted) throw error;
      this.error.textContent = error.message;
      this.error.hidden = false;
      return;
    }
    this.error.hidden = true;
    this.next = answer.next;
    const first = (this.pages.length - 1) * PAGE_ROWS;
    patch(this.body, answer.rows.map((row, i) => ({ row, i })), ({ i }) => i, ({ row }) => this.row(row));
    this.rows.hidden = !answer.rows.length;
    this.empty.hidden = answer.rows.length > 0;
    this.empty.textContent = this.conditions.some((one) => one.value !== '') ? 'No row fits.' : 'This table has no rows yet.';
    this.where.textContent = answer.rows.length ? 'rows ' + number(first + 1) + ' to ' + number(first + answer.rows.length) : '';
    this.back.disabled = this.pages.length === 1;
    this.more.disabled = !this.next;
    if (this.chart.shown) await this.chart.update((parts) => this.context.ask(this.path({ ...parts, conditions: this.conditions })));
  }

  row(row) {
    const open = () => details(this.table.name, this.columns, row);
    return h('tr', { tabindex: 0, onclick: () => { if (!getSelection().toString()) open(); },
                     onkeydown: (event) => { if (event.key === 'Enter') { event.preventDefault(); open(); } } },
      this.columns.map((column) => h('td', { class: isNumber(column, row[column.name]) ? 'number' : null }, value(row[column.name], column, 80))));
  }
  end() { this.chart.end(); }
}

function isNumber(column, one) {
  return column.type === 'int' || column.type === 'real' || typeof one === 'number' || typeof one === 'bigint';
}

export function value(one, column, most) {
  if (one === null || one === undefined) return h('span', { class: 'soft', title: 'no value' }, '\u2013');
  if (column?.type === 'time' && typeof one === 'string') return time(one, true);
  if (typeof one === 'object') return said(one.$bytes !== undefined ? one.$bytes : print(one), most);
  return said(String(one), most);
}

function details(table, columns, row) {
  const dialog = h('dialog', { class: 'details', 'aria-label': 'a row of ' + table },
    h('h2', {}, 'A row of ', table),
    h('dl', {}, columns.map((column) => [h('dt', {}, column.name, h('span', { class: 'soft' }, ' ' + (column.type || '') + (column.key ? ', key' : ''))),
      h('dd', {}, column.type === 'time' && row[column.name] ? String(row[column.name]) : value(row[column.name], column, 20000))])),
    h('form', { method: 'dialog', class: 'actions' }, h('button', {}, 'Close')));
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}
