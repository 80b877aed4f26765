/** Writes rules as the files that Prometheus loads. */
import { stringify } from 'yaml';
import { ALERT_RULES, type AlertRule } from './alerts.ts';
import { RECORDING_RULES } from './recording.ts';

const HEADER = '# Generated from dashboards/rules by "npm run generate": do not edit.\n';

export const recordingFile = (): string => file('forktax-recording', RECORDING_RULES);

export const alertFile = (): string => file('forktax-alerts', ALERT_RULES.map(alert));

function file(name: string, rules: readonly object[]): string {
  return HEADER + stringify({ groups: [{ name, rules }] }, { lineWidth: 0, singleQuote: true });
}

function alert({ severity, summary, description, dashboard, ...rule }: AlertRule): object {
  return {
    ...rule,
    labels: { severity },
    annotations: { summary, description, dashboard, runbook: `docs/runbooks/${rule.alert}.md` },
  };
}
