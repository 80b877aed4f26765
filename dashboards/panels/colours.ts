/** Each thing has the same colour on every panel. Green is good, red is an alert, and other colours have no meaning. */
import type { DynamicConfigValue, ThresholdsConfig } from '@grafana/grafana-foundation-sdk/dashboard';
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';

export const CALM = 'text';
export const GOOD = 'green';
export const NOTICEABLE = 'orange';
export const ALERT = 'red';

/** Colours by the name in the legend. */
export const COLOURS: Readonly<Record<string, string>> = {
  fork: 'orange',
  vfork: 'blue',
  afork: 'green',
  p50: 'super-light-blue',
  p99: 'blue',
  copy: 'orange',
  wait: 'blue',
  'avoidable by afork': 'orange',
  'the rest': 'green',
  parent: 'purple',
  child: 'light-purple',
  'all faults of a child': 'yellow',
};

export const colourOf = (colour: string): DynamicConfigValue => ({
  id: 'color',
  value: { mode: 'fixed', fixedColor: colour },
});

/** Makes thresholds from ascending steps: `thresholds([[undefined, GOOD], [0.1, ALERT]])`. */
export function thresholds(
  steps: readonly (readonly [from: number | null, colour: string])[],
): ThresholdsConfigBuilder {
  const list: ThresholdsConfig['steps'] = steps.map(([value, color]) => ({ value, color }));
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(list);
}
