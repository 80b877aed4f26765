/** Pieces of SVG. */
import { FAINT, GRID } from './palette.ts';

export interface Box {
  readonly width: number;
  readonly height: number;
}

/** x and y, in pixels from the top left. */
type Spot = readonly [x: number, y: number];

export interface Axis {
  /** To pixels. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

export const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export function element(name: string, attributes: Readonly<Record<string, string | number>>, content = ''): string {
  const text = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escape(value)}"`,
  );
  return `<${name}${text.join('')}>${content}</${name}>`;
}

export const round = (value: number): number => Math.round(value * 10) / 10;

export const label = (x: number, y: number, text: string, anchor = 'end'): string =>
  element('text', { x, y, 'text-anchor': anchor, fill: FAINT, 'font-size': 11 }, escape(text));

export const rule = (from: Spot, to: Spot, stroke = GRID, dash = ''): string =>
  element('line', {
    x1: from[0],
    y1: from[1],
    x2: to[0],
    y2: to[1],
    stroke,
    ...(dash && { 'stroke-dasharray': dash }),
  });

/** From `from` at pixel `start` to `to` at pixel `end`. */
export function linear(from: number, to: number, start: number, end: number): (value: number) => number {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** Some four values that a person would choose; bytes by powers of two. */
export function niceTicks(max: number, binary: boolean): number[] {
  const unit = binary ? 1024 ** Math.floor(Math.log(max || 1) / Math.log(1024)) : 1;
  const rough = max / unit / 4 || 0.25;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power * unit;
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, index) => index * step);
}
