// SPDX-License-Identifier: Apache-2.0
// Lines and bars over rows, by Chart.js, which is loaded when the first chart is drawn.
import { show } from './dom.js';

const LIGHT = ['#0b6e7d', '#b3541e', '#6a4fb3', '#2e7d32', '#ad1457', '#5d6d00', '#1565c0', '#795548'];
const DARK = ['#5cc3d3', '#f0a26b', '#b9a2ff', '#7fd58a', '#ff8fb8', '#d3d96a', '#82b6ff', '#c9a794'];
export const SERIES_MAX = LIGHT.length;
const SPAN_MIN_MS = 30000;
const FAR = 1e300;  // beyond, the height of a chart would be infinite: drawn at the edge

// The library is one script for every kind of loader; as a module it leaves itself in globalThis.
async function load() {
  if (!globalThis.Chart) await import('../chart.min.js');
  return globalThis.Chart;
}

// From rows to series: one per value of `by` (a list of columns) and numeric column. x is the time
// in ms, or null for one bar a row. At most SERIES_MAX, the rest is counted.
export function series(rows, { x, ys, by }) {
  const found = new Map();
  const left = new Set();
  for (const row of rows) {
    const at = x ? Date.parse(row[x]) : null;
    if (x && Number.isNaN(at)) continue;
    const group = by.map((column) => String(row[column] ?? '')).join(' / ');
    for (const y of ys) {
      if (row[y] === null || row[y] === undefined) continue;
      const label = (ys.length > 1 || !group ? y : '') + (ys.length > 1 && group ? ' ' : '') + group;
      if (!found.has(label)) {
        if (found.size >= SERIES_MAX) { left.add(label); continue; }
        found.set(label, []);
      }
      found.get(label).push({ x: at, y: Math.min(FAR, Math.max(-FAR, Number(row[y]))) });
    }
  }
  const lines = [...found].map(([label, points]) => ({ label: short(label), points: x ? points.sort((a, b) => a.x - b.x) : points }));
  return { lines, left: left.size };
}

const short = (text) => { const all = [...show(text)]; return all.length > 40 ? all.slice(0, 40).join('') + '\u2026' : all.join(''); };

const pad = (n) => String(n).padStart(2, '0');
function clock(ms, span) {
  const at = new Date(ms);
  const day = at.getFullYear() + '-' + pad(at.getMonth() + 1) + '-' + pad(at.getDate());
  const hours = pad(at.getHours()) + ':' + pad(at.getMinutes());
  if (span > 30 * 86400e3) return day;
  if (span > 86400e3) return day.slice(5) + ' ' + hours;
  return span > 600e3 ? hours : hours + ':' + pad(at.getSeconds());
}

// Draws lines over time, or bars with `labels`. Keeps its canvas; call update() for newer figures.
export class Picture {
  constructor(canvas) { this.canvas = canvas; }

  async update({ lines, labels }) {
    const Chart = await load();
    const css = getComputedStyle(document.documentElement);
    const color = (name) => css.getPropertyValue(name).trim();
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const palette = dark ? DARK : LIGHT;
    const kind = labels ? 'bar' : 'line';
    const points = lines.flatMap((line) => line.points);
    let [from, to] = [Infinity, -Infinity];
    for (const point of points) { from = Math.min(from, point.x); to = Math.max(to, point.x); }
    if (to - from < SPAN_MIN_MS) from = to - SPAN_MIN_MS;  // the first points of a chart that begins
    const span = to - from;
    const datasets = lines.map((line, i) => ({
      label: line.label, data: labels ? line.points.map((p) => p.y) : line.points,
      borderColor: palette[i % palette.length], backgroundColor: palette[i % palette.length] + (labels ? 'cc' : '33'),
      borderWidth: labels ? 0 : 2, pointRadius: line.points.length > 60 ? 0 : 2.5, pointHitRadius: 8, tension: 0, maxBarThickness: 42,
    }));
    if (this.chart && this.kind !== kind) { this.chart.destroy(); this.chart = null; }
    this.kind = kind;
    const ticks = { color: color('--soft'), font: { family: 'system-ui, sans-serif', size: 12 }, maxRotation: 0, autoSkipPadding: 16 };
    const options = {
      animation: false, responsive: true, maintainAspectRatio: false, normalized: true,
      interaction: { mode: 'nearest', axis: 'x', intersect: false },
      scales: {
        x: labels ? { ticks, grid: { display: false } }
          : { type: 'linear', min: from, max: to, ticks: { ...ticks, callback: (value) => clock(value, span) }, grid: { color: color('--line') } },
        y: { ticks, grid: { color: color('--line') }, beginAtZero: Boolean(labels) },
      },
      plugins: {
        legend: { display: lines.length > 1 || !labels, position: 'bottom', labels: { color: color('--text'), boxWidth: 12, boxHeight: 3 } },
        tooltip: { callbacks: labels ? {} : { title: (items) => items.length ? new Date(items[0].parsed.x).toLocaleString('en-GB') : '' } },
      },
    };
    if (this.chart) {
      this.chart.data = { labels, datasets };
      this.chart.options = options;
      this.chart.update('none');
    } else {
      this.chart = new Chart(this.canvas, { type: kind, data: { labels, datasets }, options });
    }
  }

  end() { this.chart?.destroy(); }
}
