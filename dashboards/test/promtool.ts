/** Makes cases for `promtool test rules`, which runs rules over made-up series with its own clock. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const rulesPath = (name: string) => fileURLToPath(new URL(`../generated/${name}.rules.yml`, import.meta.url));

/** The values of each series, one per minute, in promtool's notation: `0+60x30` is 0, 60, 120, … */
export type InputSeries = Readonly<Record<string, string>>;

interface Case {
  readonly interval: string;
  readonly input_series: readonly { series: string; values: string }[];
  readonly promql_expr_test?: readonly object[];
}

/** A case with the labels of the alerts that fire after `minutes`. Their annotations are not compared. */
export function firingCase(input: InputSeries, alert: string, minutes: number, labels: readonly Labels[]): Case {
  const samples = labels.map((one) => ({
    labels: labelText({ ...one, alertname: alert, alertstate: 'firing' }),
    value: 1,
  }));
  return {
    ...inputOf(input),
    promql_expr_test: [
      { expr: `ALERTS{alertname="${alert}", alertstate="firing"}`, eval_time: `${minutes}m`, exp_samples: samples },
    ],
  };
}

export function valueCase(
  input: InputSeries,
  expr: string,
  minutes: number,
  samples: Readonly<Record<string, number>>,
): Case {
  return {
    ...inputOf(input),
    promql_expr_test: [
      {
        expr,
        eval_time: `${minutes}m`,
        exp_samples: Object.entries(samples).map(([labels, value]) => ({ labels, value })),
      },
    ],
  };
}

export type Labels = Readonly<Record<string, string>>;

const labelText = (labels: Labels) =>
  `ALERTS{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`;

const inputOf = (input: InputSeries) => ({
  interval: '1m',
  input_series: Object.entries(input).map(([series, values]) => ({ series, values })),
});

/** Gives the error of promtool, if there is one. */
export function testRules(cases: readonly Case[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-rules-'));
  const file = join(folder, 'cases.yml');
  const content = {
    rule_files: [rulesPath('alerts'), rulesPath('recording')],
    evaluation_interval: '1m',
    tests: cases,
  };
  writeFileSync(file, JSON.stringify(content));
  const { status, stdout, stderr, error } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  if (error) throw error;
  return status === 0 ? '' : stdout + stderr;
}
