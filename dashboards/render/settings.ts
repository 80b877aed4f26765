/** Reads the settings that a panel's JSON has for its looks. */
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

/** The settings that the dashboards override. */
interface Overridden {
  readonly color: { readonly fixedColor: string };
  readonly unit: string;
  readonly thresholds: { readonly steps: readonly Step[] };
  readonly 'custom.axisPlacement': string;
}

/** Gives the override of a setting for a field of this name. */
export function override<Id extends keyof Overridden>(panel: Panel, name: string, id: Id): Overridden[Id] | undefined {
  const properties = fieldConfigOf(panel)
    .overrides.filter(({ matcher }) => matches(matcher.options, name))
    .flatMap((one) => one.properties);
  return properties.findLast((property) => property.id === id)?.value as Overridden[Id] | undefined;
}

/** Matches by name, or by a pattern between slashes. */
function matches(matcher: string, name: string): boolean {
  const pattern = /^\/(.*)\/$/.exec(matcher)?.[1];
  return pattern === undefined ? matcher === name : new RegExp(pattern).test(name);
}

/** Gives the colour of the highest step that a value reaches. */
export function colourAt(steps: readonly Step[], value: number): string {
  return steps.findLast((step) => step.value === null || value >= step.value)?.color ?? 'text';
}

interface Options {
  /** Only stats have this. */
  readonly graphMode?: string;
  /** Only heatmaps have this. */
  readonly yAxis?: { readonly unit?: string };
  /** Only tables have this. */
  readonly sortBy?: readonly { readonly displayName: string }[];
}

export const optionsOf = (panel: Panel): Options => (panel as { options?: Options }).options ?? {};
