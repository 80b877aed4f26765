/** The stalls as a picture: a row for each case, a dot at the median, a line to p99, on a scale of powers of ten. */
import { mechanismsOf, type Side } from './cases.ts';
import { quantiles, type Result } from './results.ts';
import { formatMs } from './table.ts';

const COLOURS: Readonly<Record<string, string>> = {
  fork: '#c62828',
  child_process: '#c62828',
  vfork: '#ef8a17',
  posix_spawn: '#a0660a',
  'vfork stand-in': '#ef8a17',
  afork_spawn: '#1565c0',
  afork: '#1565c0',
  'afork_spawn, deferred': '#4fa3f0',
  emulated_afork: '#6a3fa0',
  avfork: '#2e8b57',
  'clone(CLONE_VM)': '#888888',
};

const WIDTH = 960;
const LEFT = 190;
const RIGHT = 20;
const MARGIN = 12;
const LANE = 9;
const GAP = 10;
const HEADER = 64;
const FOOTER = 40;

export interface Scale {
  readonly low: number;
  readonly high: number;
}

/** Whole decades around what there is. */
export function decadesAround(values: readonly number[]): Scale {
  return {
    low: 10 ** Math.floor(Math.log10(Math.min(...values))),
    high: 10 ** Math.ceil(Math.log10(Math.max(...values))),
  };
}

export function position(scale: Scale, value: number): number {
  const share = Math.log10(value / scale.low) / Math.log10(scale.high / scale.low);
  return LEFT + share * (WIDTH - LEFT - RIGHT);
}

export function renderSvg(results: readonly Result[], caption: string): string {
  const shown = results.filter(({ samples }) => samples.length > 0);
  const scale = decadesAround(shown.flatMap(extremes));
  let top = 24;
  const panels = (['C', 'Node'] as const).map((side) => {
    const panel = renderPanel(shown, side, scale, top);
    top = panel.bottom;
    return panel.text;
  });
  const size = `width="${WIDTH}" height="${top + 24}" viewBox="0 0 ${WIDTH} ${top + 24}"`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12" fill="#222">`,
    `<title>Time the caller of a spawn stands still</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...panels,
    text(WIDTH - RIGHT, top + 10, caption, 'text-anchor="end" fill="#666" font-size="11"'),
    '</svg>',
  ].join('\n')}\n`;
}

function extremes(result: Result): number[] {
  return mechanismsOf(result.measured).flatMap((mechanism) => {
    const stall = quantiles(result, mechanism, 'stall');
    return stall ? [stall.p50, stall.p99] : [];
  });
}

interface Panel {
  readonly text: string;
  readonly bottom: number;
}

function renderPanel(results: readonly Result[], side: Side, scale: Scale, top: number): Panel {
  const ofSide = results.filter(({ measured }) => measured.side === side);
  if (ofSide.length === 0) return { text: '', bottom: top };
  const mechanisms = [...new Set(ofSide.flatMap(({ measured }) => mechanismsOf(measured)))];
  const parts = [text(MARGIN, top, titleOf(side), 'font-size="15" font-weight="bold"'), legend(mechanisms, top + 22)];
  let y = top + HEADER - 20;
  const first = y;
  for (const [index, result] of ofSide.entries()) {
    const lanes = mechanismsOf(result.measured);
    const height = lanes.length * LANE + GAP;
    if (index % 2 === 0) parts.push(`<rect x="8" y="${y}" width="${WIDTH - 16}" height="${height}" fill="#f4f5f7"/>`);
    parts.push(text(LEFT - 12, y + height / 2 + 4, result.measured.name, 'text-anchor="end"'));
    for (const [lane, name] of lanes.entries())
      parts.push(mark(result, name, scale, y + GAP / 2 + (lane + 0.5) * LANE));
    y += height;
  }
  return { text: [...parts, axis(scale, first, y)].join('\n'), bottom: y + FOOTER };
}

function titleOf(side: Side): string {
  const what = side === 'C' ? 'C: the call' : 'Node: spawn() with three pipes';
  return `${what}, time the caller stands still (dot: median, line: to p99)`;
}

function legend(names: readonly string[], y: number): string {
  let x = MARGIN;
  const parts: string[] = [];
  for (const name of names) {
    parts.push(`<circle cx="${x + 4}" cy="${y - 4}" r="4" fill="${COLOURS[name]}"/>`, text(x + 12, y, name));
    x += 30 + name.length * 7;
  }
  return parts.join('\n');
}

function mark(result: Result, mechanism: string, scale: Scale, y: number): string {
  const stall = quantiles(result, mechanism, 'stall');
  if (!stall) return '';
  const [from, to] = [position(scale, stall.p50).toFixed(1), position(scale, stall.p99).toFixed(1)];
  const colour = COLOURS[mechanism];
  return (
    `<g><title>${mechanism}: ${formatMs(stall.p50)} ms, p99 ${formatMs(stall.p99)} ms</title>` +
    `<path d="M${from} ${y}H${to}" stroke="${colour}" stroke-opacity="0.45" stroke-width="2"/>` +
    `<circle cx="${from}" cy="${y}" r="3.6" fill="${colour}"/></g>`
  );
}

function axis(scale: Scale, top: number, bottom: number): string {
  const parts: string[] = [];
  for (let value = scale.low; value <= scale.high * 1.001; value *= 10) {
    const x = position(scale, value).toFixed(1);
    parts.push(`<path d="M${x} ${top}V${bottom}" stroke="#c4c8ce" stroke-width="0.7"/>`);
    parts.push(text(Number(x), bottom + 15, formatTime(value), 'text-anchor="middle" fill="#555" font-size="11"'));
  }
  return parts.join('\n');
}

function formatTime(ns: number): string {
  if (ns >= 1e9) return `${ns / 1e9} s`;
  return ns >= 1e6 ? `${Math.round(ns / 1e6)} ms` : `${Math.round(ns / 1e3)} µs`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`;
}
