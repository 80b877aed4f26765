/** Fetches the data of a dashboard's panels for a picture. */
import { panelsOf, type Dashboard, type Panel, type Target } from '../lint/model.ts';
import type { Api, Exemplar, Line, Span } from '../../testing/prometheus-api.ts';
import { ALL, fill, type Variables } from '../../testing/variables.ts';

interface TargetData {
  readonly target: Target;
  /** The lines of the result. Those of an instant query have one point each. */
  readonly lines: readonly Line[];
  readonly exemplars: readonly Exemplar[];
}

export interface PanelData {
  readonly panel: Panel;
  readonly targets: readonly TargetData[];
}

export interface DashboardData {
  readonly dashboard: Dashboard;
  readonly span: Span;
  readonly variables: Variables;
  readonly panels: readonly PanelData[];
  /** The times of annotations, in seconds. */
  readonly marks: readonly number[];
}

export async function collect(
  api: Api,
  dashboard: Dashboard,
  span: Span,
  chosen: Partial<Variables>,
): Promise<DashboardData> {
  const variables: Variables = {
    job: ALL,
    instance: ALL,
    comm: ALL,
    rateInterval: `${4 * span.stepSeconds}s`,
    range: `${Math.round(span.toSeconds - span.fromSeconds)}s`,
    ...chosen,
  };
  const panels = panelsOf(dashboard).map(async (panel): Promise<PanelData> => {
    const targets = (panel.targets ?? []).map((target) => ask(api, target, span, variables));
    return { panel, targets: await Promise.all(targets) };
  });
  return {
    dashboard,
    span,
    variables,
    panels: await Promise.all(panels),
    marks: await marksOf(api, dashboard, span, variables),
  };
}

async function ask(api: Api, target: Target, span: Span, variables: Variables): Promise<TargetData> {
  const expr = fill(target.expr, variables);
  const exemplars = target.exemplar ? await api.exemplars(expr, span) : [];
  if (!target.instant) return { target, lines: await api.range(expr, span), exemplars };
  const samples = await api.query(expr, span.toSeconds);
  return {
    target,
    lines: samples.map(({ metric, value }) => ({ metric, points: [[span.toSeconds, value]] })),
    exemplars,
  };
}

/** Gives the times of annotations whose value is their time. */
async function marksOf(api: Api, dashboard: Dashboard, span: Span, variables: Variables): Promise<number[]> {
  const exprs = (dashboard.annotations?.list ?? []).flatMap(({ expr }) => expr ?? []);
  const lines = (await Promise.all(exprs.map((expr) => api.range(fill(expr, variables), span)))).flat();
  const times = new Set(lines.flatMap(({ points }) => points.map(([, milliseconds]) => milliseconds / 1000)));
  return [...times].filter((time) => time > span.fromSeconds);
}
