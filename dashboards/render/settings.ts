/** What a panel's JSON says of how it is to look. */
import type { Panel } from '../lint/model.ts';

interface Property {
  readonly id: string;
  readonly value: unknown;
}

interface Defaults {
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly noValue?: string;
  readonly thresholds?: { readonly steps: readonly Step[] };
  readonly mappings?: readonly { readonly options: Readonly<Record<string, { text: string; color: string }>> }[];
  readonly custom?: {
    readonly stacking?: { readonly mode?: string };
    readonly scaleDistribution?: { readonly type?: string };
    readonly thresholdsStyle?: { readonly mode?: string };
  };
}

export interface Step {
  readonly value: number | null;
  readonly color: string;
}

interface FieldConfig {
  readonly defaults: Defaults;
  readonly overrides: readonly {
    readonly matcher: { readonly options: string };
    readonly properties: readonly Property[];
  }[];
}

export const fieldConfigOf = (panel: Panel): FieldConfig =>
  (panel as unknown as { fieldConfig?: FieldConfig }).fieldConfig ?? NONE;

const NONE: FieldConfig = { defaults: {}, overrides: [] };

/** Of those that the dashboards override. */
interface Overridden {
  readonly color: { readonly fixedColor: string };
  readonly unit: string;
  readonly thresholds: { readonly steps: readonly Step[] };
  readonly 'custom.axisPlacement': string;
}

/** What a field of this name has instead. */
export function override<Id extends keyof Overridden>(panel: Panel, name: string, id: Id): Overridden[Id] | undefined {
  const properties = fieldConfigOf(panel)
    .overrides.filter(({ matcher }) => matches(matcher.options, name))
    .flatMap((one) => one.properties);
  return properties.findLast((property) => property.id === id)?.value as Overridden[Id] | undefined;
}

/** By name, or by a pattern between slashes. */
function matches(matcher: string, name: string): boolean {
  const pattern = /^\/(.*)\/$/.exec(matcher)?.[1];
  return pattern === undefined ? matcher === name : new RegExp(pattern).test(name);
}

/** The colour from the highest step that a value reaches. */
export function colourAt(steps: readonly Step[], value: number): string {
  return steps.findLast((step) => step.value === null || value >= step.value)?.color ?? 'text';
}

interface Options {
  /** Of a stat. */
  readonly graphMode?: string;
  /** Of a heatmap. */
  readonly yAxis?: { readonly unit?: string };
  /** Of a table. */
  readonly sortBy?: readonly { readonly displayName: string }[];
}

export const optionsOf = (panel: Panel): Options => (panel as { options?: Options }).options ?? {};
