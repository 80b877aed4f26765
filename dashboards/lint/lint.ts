/**
 * The rules of github.com/grafana/dashboard-linter, with their names, and four more. There, some rules look at some types of
 * panels only; here they look at all.
 */
import { SELF_METRICS } from '../../collector/serve/metrics/self.ts';
import { SPAWN_METRICS } from '../../collector/serve/metrics/descriptors.ts';
import { RECORDING_RULES } from '../rules/recording.ts';
import { panelsOf, type Dashboard, type Panel, type Target } from './model.ts';
import { PANEL_RULES } from './panel-rules.ts';
import { selectorsOf, type Selector } from './promql.ts';
import { VARIABLE_RULES } from './variable-rules.ts';

export interface Complaint {
  readonly rule: string;
  readonly where: string;
  readonly message: string;
}

export function lint(dashboard: Dashboard): Complaint[] {
  const complaints: Complaint[] = [];
  const complain = (rule: string, where: string, messages: Iterable<string>) => {
    for (const message of messages) complaints.push({ rule, where, message });
  };
  for (const [rule, check] of Object.entries(VARIABLE_RULES)) complain(rule, dashboard.title, check(dashboard));
  for (const panel of panelsOf(dashboard)) {
    const where = `${dashboard.title}: ${panel.title || `panel ${panel.id}`}`;
    for (const [rule, check] of Object.entries(PANEL_RULES)) complain(rule, where, check(panel));
    for (const target of panel.targets ?? []) {
      for (const [rule, messages] of lintTarget(target)) complain(rule, `${where}: ${target.refId}`, messages);
    }
  }
  complain('own-annotation-rule', dashboard.title, annotations(dashboard));
  complain('own-grid-rule', dashboard.title, overlaps(dashboard));
  return complaints;
}

function lintTarget({ expr }: Target): [rule: string, messages: string[]][] {
  let selectors: Selector[];
  try {
    selectors = selectorsOf(expr);
  } catch (error) {
    return [['target-promql-rule', [`${String(error)}: ${expr}`]]];
  }
  const each = (check: (selector: Selector) => string | undefined) => selectors.flatMap((one) => check(one) ?? []);
  return [
    ['target-job-rule', each((one) => requiresMatcher(one, 'job=~"$job"'))],
    // Recorded series have no instance, and alerts may be about them.
    [
      'target-instance-rule',
      each((one) => (isRecorded(one) ? undefined : requiresMatcher(one, 'instance=~"$instance"'))),
    ],
    ['target-rate-interval-rule', each(rateInterval)],
    ['target-counter-agg-rule', each(aggregatedCounter)],
    ['own-metric-rule', each(knownMetric)],
  ];
}

function requiresMatcher({ metric, matchers }: Selector, matcher: string): string | undefined {
  return matchers.includes(matcher) ? undefined : `${metric} without ${matcher}`;
}

function rateInterval({ metric, range, fn }: Selector): string | undefined {
  if (fn !== 'rate' && fn !== 'irate') return undefined;
  return range === '$__rate_interval' ? undefined : `${fn}(${metric}[${range}]) instead of [$__rate_interval]`;
}

function aggregatedCounter({ metric, fn }: Selector): string | undefined {
  if (!/_(total|count|sum|bucket)$/.test(metric)) return undefined;
  return fn && /^(i?rate|increase)$/.test(fn) ? undefined : `counter ${metric} without rate, irate or increase`;
}

const isRecorded = ({ metric }: Selector) => metric.includes(':') || metric === 'ALERTS';

const KNOWN = new Set([
  ...RECORDING_RULES.map(({ record }) => record),
  ...[...SPAWN_METRICS, ...SELF_METRICS].flatMap(({ name, kind }) =>
    kind === 'histogram' ? ['', '_bucket', '_count', '_sum'].map((part) => `${name}${part}`) : [name],
  ),
]);

/** A query with a wrong name is valid, but its panel is always empty. */
function knownMetric({ metric }: Selector): string | undefined {
  return !/^forktax_|:/.test(metric) || KNOWN.has(metric) ? undefined : `nobody makes the metric ${metric}`;
}

function* annotations(dashboard: Dashboard): Generator<string> {
  for (const { name, expr } of dashboard.annotations?.list ?? []) {
    if (!expr) continue;
    for (const [, messages] of lintTarget({ refId: name, expr })) yield* messages;
  }
}

function* overlaps(dashboard: Dashboard): Generator<string> {
  const placed = dashboard.panels.filter((panel) => panel.gridPos);
  for (const [index, a] of placed.entries()) {
    if ((a.gridPos?.x ?? 0) + (a.gridPos?.w ?? 0) > 24) yield `${a.title} is wider than the grid`;
    for (const b of placed.slice(index + 1)) if (overlap(a, b)) yield `${a.title} lies over ${b.title}`;
  }
}

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  if (!a || !b) return false;
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
