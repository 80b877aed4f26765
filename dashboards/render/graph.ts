/** Lines and stacked areas over time. */
import type { DashboardData, PanelData } from './data.ts';
import { FAINT, INK, named } from './palette.ts';
import { seriesOf, type Point, type Series } from './series.ts';
import { colourAt, fieldConfigOf } from './settings.ts';
import { element, escape, label, linear, niceTicks, round, rule, type Axis, type Box } from './svg.ts';
import { format } from './units.ts';

export const MARGIN = { left: 58, right: 10, top: 8, bottom: 20 };
const RIGHT_AXIS = 64;
const SEVERAL_GAPS = 2.5;

interface Frame {
  readonly box: Box;
  readonly right: number;
  readonly x: (seconds: number) => number;
  readonly stepSeconds: number;
}

export function graph(data: PanelData, { span, marks }: DashboardData, box: Box): string {
  const all = seriesOf(data).filter(({ points }) => points.length > 0);
  const right = box.width - (all.some(({ onTheRight }) => onTheRight) ? RIGHT_AXIS : MARGIN.right);
  const x = linear(span.fromSeconds, span.toSeconds, MARGIN.left, right);
  const frame: Frame = { box, right, x, stepSeconds: span.stepSeconds };
  const { custom } = fieldConfigOf(data.panel).defaults;
  const stacked = custom?.stacking?.mode === 'normal';
  const onLeft = all.filter(({ onTheRight }) => !onTheRight);
  const onRight = all.filter(({ onTheRight }) => onTheRight);
  const drawn = stacked ? stack(onLeft) : onLeft.map((series) => ({ series, base: undefined, top: series.points }));
  const axis = axisOf(
    drawn.flatMap(({ top }) => top),
    data,
    frame,
  );
  const parts = [
    yAxis(axis, onLeft[0]?.unit, frame, 'left'),
    timeAxis(frame, span.fromSeconds, span.toSeconds),
    ...marks.map((at) => rule([x(at), MARGIN.top], [x(at), box.height - MARGIN.bottom], named('purple'), '3 3')),
    ...drawn.map(({ series, base, top }) =>
      base ? area(base, top, series, axis, frame) : path(top, series, axis, frame),
    ),
    alertLine(data, axis, frame),
    ...onLeft.map((series) => dots(series, axis, frame)),
    ...(onRight.length > 0 ? rightSide(onRight, data, frame) : []),
  ];
  return element('svg', { width: box.width, height: box.height }, parts.join('')) + legend(all);
}

function rightSide(onRight: readonly Series[], data: PanelData, frame: Frame): string[] {
  const axis = axisOf(
    onRight.flatMap(({ points }) => points),
    data,
    frame,
    onRight[0]?.unit,
  );
  const paths = onRight.map((series) => path(series.points, series, axis, frame, '5 4'));
  return [yAxis(axis, onRight[0]?.unit, frame, 'right'), ...paths];
}

/** Each on top of those before it; 0 where it has no value. */
function stack(all: readonly Series[]) {
  const below = new Map<number, number>(all.flatMap(({ points }) => points.map(([at]) => [at, 0] as const)));
  const times = [...below.keys()].toSorted((a, b) => a - b);
  return all.map((series) => {
    const own = new Map(series.points);
    const base = times.map((at): Point => [at, below.get(at) ?? 0]);
    const top = base.map(([at, value]): Point => [at, value + (own.get(at) ?? 0)]);
    for (const [at, value] of top) below.set(at, value);
    return { series, base, top };
  });
}

function axisOf(points: readonly Point[], { panel }: PanelData, { box }: Frame, ownUnit?: string): Axis {
  const { unit, custom, max } = fieldConfigOf(panel).defaults;
  const values = points.map(([, value]) => value);
  const [bottom, top] = [box.height - MARGIN.bottom, MARGIN.top];
  if (custom?.scaleDistribution?.type === 'log') return logarithmic(values, bottom, top);
  const highest = max ?? (Math.max(...values, 0) * 1.05 || 1);
  const binary = /^(bytes|binBps)$/.test(ownUnit ?? unit ?? '');
  return { at: linear(0, highest, bottom, top), ticks: niceTicks(highest, binary) };
}

function logarithmic(values: readonly number[], bottom: number, top: number): Axis {
  const positive = values.filter((value) => value > 0);
  const from = Math.floor(Math.log10(Math.min(...positive, 1)));
  const to = Math.max(Math.ceil(Math.log10(Math.max(...positive, 10 ** (from + 1)))), from + 1);
  const at = linear(from, to, bottom, top);
  return {
    at: (value) => at(Math.log10(Math.max(value, 10 ** from))),
    ticks: Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index)),
  };
}

function yAxis({ at, ticks }: Axis, unit: string | undefined, { right }: Frame, side: 'left' | 'right'): string {
  const parts = ticks.map((tick) =>
    side === 'left'
      ? rule([MARGIN.left, at(tick)], [right, at(tick)]) + label(MARGIN.left - 6, at(tick) + 4, format(tick, unit))
      : label(right + 6, at(tick) + 4, format(tick, unit), 'start'),
  );
  return parts.join('');
}

/** Whole minutes. */
export function timeAxis({ x, box }: Pick<Frame, 'x' | 'box'>, fromSeconds: number, toSeconds: number): string {
  const every = Math.max(Math.ceil((toSeconds - fromSeconds) / 60 / 5), 1) * 60;
  const parts = [];
  for (let at = Math.ceil(fromSeconds / every) * every; at <= toSeconds; at += every) {
    parts.push(label(x(at), box.height - 5, new Date(at * 1000).toISOString().slice(11, 16), 'middle'));
  }
  return parts.join('');
}

/** Broken where samples are missing. */
function path(
  points: readonly Point[],
  { colour }: Series,
  { at }: Axis,
  { x, stepSeconds }: Frame,
  dash = '',
): string {
  let before = -Infinity;
  const commands = points.map(([seconds, value]) => {
    const command = seconds - before > SEVERAL_GAPS * stepSeconds ? 'M' : 'L';
    before = seconds;
    return `${command}${round(x(seconds))},${round(at(value))}`;
  });
  const style = { fill: 'none', stroke: colour, 'stroke-width': 2, 'stroke-linejoin': 'round' };
  return element('path', { d: commands.join(''), ...style, ...(dash && { 'stroke-dasharray': dash }) });
}

function area(base: readonly Point[], top: readonly Point[], { colour }: Series, { at }: Axis, { x }: Frame): string {
  const corner = ([seconds, value]: Point) => `${round(x(seconds))},${round(at(value))}`;
  const points = [...top, ...base.toReversed()].map(corner).join(' ');
  return element('polygon', { points, fill: colour, 'fill-opacity': 0.75, stroke: colour, 'stroke-width': 0.5 });
}

function alertLine({ panel }: PanelData, { at, ticks }: Axis, { right }: Frame): string {
  const { thresholds, custom } = fieldConfigOf(panel).defaults;
  const from = thresholds?.steps.find(({ value }) => value !== null)?.value;
  if (custom?.thresholdsStyle?.mode !== 'dashed' || !from || from > (ticks.at(-1) ?? 0)) return '';
  const colour = named(colourAt(thresholds?.steps ?? [], from));
  return rule([MARGIN.left, at(from)], [right, at(from)], colour, '6 5');
}

function dots({ exemplars }: Series, { at }: Axis, { x, right }: Frame): string {
  return exemplars
    .map(({ seconds, value }) => [x(seconds), at(value)] as const)
    .filter(([cx]) => cx >= MARGIN.left && cx <= right)
    .map(([cx, cy]) => element('circle', { cx, cy, r: 3, fill: 'white', stroke: FAINT }))
    .join('');
}

/** With the last values, while there is room. */
function legend(all: readonly Series[]): string {
  const last = ({ unit, points }: Series) =>
    all.length > 5 ? '' : `<b style="color:${INK}">${format(points.at(-1)?.[1] ?? NaN, unit)}</b>`;
  const entries = all.map(
    (series) => `<span><i style="background:${series.colour}"></i>${escape(series.name)} ${last(series)}</span>`,
  );
  return `<div class="legend">${entries.join('')}</div>`;
}
