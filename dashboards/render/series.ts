/** Gives the lines of a graph with their names, colours and axes. */
import type { Exemplar } from '../../testing/prometheus-api.ts';
import type { PanelData } from './data.ts';
import { named, other } from './palette.ts';
import { fieldConfigOf, override } from './settings.ts';

export type Point = readonly [seconds: number, value: number];

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly unit: string | undefined;
  readonly onTheRight: boolean;
  readonly points: readonly Point[];
  readonly exemplars: readonly Exemplar[];
}

export function seriesOf({ panel, targets }: PanelData): Series[] {
  const lines = targets.flatMap(({ target, lines: found, exemplars }) =>
    found.map(({ metric, points }) => ({ name: legendOf(target.legendFormat ?? '', metric), points, exemplars })),
  );
  return lines.map(({ name, points, exemplars }, index) => {
    const fixed = override(panel, name, 'color')?.fixedColor;
    return {
      name,
      colour: fixed ? named(fixed) : other(index),
      unit: override(panel, name, 'unit') ?? fieldConfigOf(panel).defaults.unit,
      onTheRight: override(panel, name, 'custom.axisPlacement') === 'right',
      points: points.filter(([, value]) => Number.isFinite(value)),
      exemplars,
    };
  });
}

const legendOf = (format: string, labels: Readonly<Record<string, string>>): string =>
  format.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => labels[name] ?? '');
