/** A panel of alerts that fire, by severity. */
import type { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { ALERT, colourOf, GOOD } from './colours.ts';
import { stat } from './stat.ts';

export const ANY_IS_BAD: readonly (readonly [from: number | null, colour: string])[] = [
  [null, GOOD],
  [1, ALERT],
];

/** `matchers` choose the alerts. */
export function alerts(matchers: readonly string[]): PanelBuilder {
  const firing = (severity: string) =>
    `count(ALERTS{${[...matchers, 'alertname=~"Forktax.+"', 'alertstate="firing"', severity].join(', ')}}) or vector(0)`;
  return stat({
    title: 'Alerts firing',
    description: 'Of forktax: warnings and worse, and information. 0 also where Prometheus has not loaded the rules.',
    unit: 'none',
    width: 4,
    queries: [
      { legend: 'to act on', expr: firing('severity!="info"') },
      { legend: 'to know', expr: firing('severity="info"') },
    ],
    steps: ANY_IS_BAD,
  }).overrideByName('to know', [colourOf('text')]);
}
