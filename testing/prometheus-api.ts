/** Queries to Prometheus. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

export type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly metric: Labels;
  readonly value: number;
}

export interface Line {
  readonly metric: Labels;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly seconds: number;
}

interface Alert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: 'pending' | 'firing';
}

export interface Span {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly stepSeconds: number;
}

interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly labels: Labels;
}

export interface Api {
  query(expr: string, atSeconds?: number): Promise<Sample[]>;
  range(expr: string, span: Span): Promise<Line[]>;
  exemplars(expr: string, span: Span): Promise<Exemplar[]>;
  labelValues(label: string, selector: string): Promise<string[]>;
  alerts(): Promise<Alert[]>;
  /** Gives the health and the last error of each target, once no last scrape took longer than it may, as on a busy machine. */
  targets(): Promise<Target[]>;
  /** Asks until the answer is enough. Scrapes and rules take their own time. */
  until<T>(ask: () => Promise<T>, enough: (answer: T) => boolean): Promise<T>;
}

const DEADLINE_MS = 120_000;

export function apiOf(url: string): Api {
  const ask = async <T>(path: string, parameters: Record<string, string> = {}): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`);
    return data;
  };
  return {
    async query(expr, atSeconds) {
      const time = atSeconds === undefined ? {} : { time: String(atSeconds) };
      const { result } = await ask<{ result: { metric: Labels; value: [number, string] }[] }>('query', {
        query: expr,
        ...time,
      });
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async range(expr, span) {
      const parameters = { query: expr, ...startAndEnd(span), step: String(span.stepSeconds) };
      const { result } = await ask<{ result: { metric: Labels; values: [number, string][] }[] }>(
        'query_range',
        parameters,
      );
      return result.map(({ metric, values }) => ({
        metric,
        points: values.map(([at, text]) => [at, Number(text)] as const),
      }));
    },
    async exemplars(expr, span) {
      const parameters = { query: expr, ...startAndEnd(span) };
      const found = await ask<{ exemplars: { labels: Labels; value: string; timestamp: number }[] }[]>(
        'query_exemplars',
        parameters,
      );
      return found
        .flatMap(({ exemplars }) => exemplars)
        .map(({ labels, value, timestamp }) => ({ labels, value: Number(value), seconds: timestamp }));
    },
    labelValues: (label, selector) => ask<string[]>(`label/${label}/values`, { 'match[]': selector }),
    alerts: async () => (await ask<{ alerts: Alert[] }>('alerts')).alerts,
    targets: () =>
      until(
        async () => (await ask<{ activeTargets: Target[] }>('targets')).activeTargets,
        (targets) => !targets.some(({ lastError }) => lastError.includes('context deadline exceeded')),
      ),
    until,
  };
}

const startAndEnd = ({ fromSeconds, toSeconds }: Span) => ({ start: String(fromSeconds), end: String(toSeconds) });

async function until<T>(ask: () => Promise<T>, enough: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (enough(answer)) return answer;
    if (Date.now() > deadline)
      throw new Error(`not so after ${DEADLINE_MS / 1000} s: ${inspect(answer).slice(0, 2000)}`);
    await sleep(200);
  }
}
