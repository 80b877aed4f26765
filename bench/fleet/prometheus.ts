/** Runs the Prometheus that is installed. It scrapes one target. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnPrometheus } from '../../testing/prometheus-process.ts';

export interface Prometheus {
  readonly child: ChildProcess;
  /** Gives the value of an expression that has one value. */
  readonly number: (expression: string) => Promise<number>;
  /** Makes Prometheus write all samples to a block, and measures it. */
  readonly snapshot: () => Promise<{ series: number; samples: number; chunkBytes: number; indexBytes: number }>;
}

interface Answer {
  readonly data: unknown;
  readonly error?: string;
}

export interface Setup {
  readonly target: string;
  readonly rules: readonly string[];
  /** Whether histograms are scraped as native ones. */
  readonly native: boolean;
  /** Between scrapes, and between evaluations of the rules. */
  readonly seconds: number;
}

export async function startPrometheus(folder: string, { target, rules, native, seconds }: Setup): Promise<Prometheus> {
  mkdirSync(folder);
  const config = {
    global: { scrape_interval: `${seconds}s`, evaluation_interval: `${seconds}s` },
    rule_files: rules,
    scrape_configs: [
      {
        job_name: 'forktax',
        static_configs: [{ targets: [target] }],
        // Other spawners on this machine are not part of the load.
        metric_relabel_configs: [{ source_labels: ['comm'], regex: '|spawner-.*', action: 'keep' }],
      },
    ],
  };
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const { child, address } = await spawnPrometheus(folder, [
    '--web.enable-admin-api',
    ...(native ? ['--enable-feature=native-histograms'] : []),
  ]);
  const api = `http://${address}/api/v1`;
  const ask = async (path: string, method = 'GET'): Promise<unknown> => {
    const { data, error } = (await (await fetch(`${api}/${path}`, { method })).json()) as Answer;
    if (error !== undefined) throw new Error(`${path}: ${error}`);
    return data;
  };
  return {
    child,
    async number(expression) {
      const path = `query?${new URLSearchParams({ query: expression }).toString()}`;
      const { result } = (await ask(path)) as { result: { value: [number, string] }[] };
      return Number(result[0]?.value[1]);
    },
    async snapshot() {
      const { name } = (await ask('admin/tsdb/snapshot', 'POST')) as { name: string };
      return measure(join(folder, 'data/snapshots', name));
    },
  };
}

function measure(snapshot: string) {
  const sum = { series: 0, samples: 0, chunkBytes: 0, indexBytes: 0 };
  for (const block of readdirSync(snapshot)) {
    const { stats } = JSON.parse(readFileSync(join(snapshot, block, 'meta.json'), 'utf8'));
    const chunks = join(snapshot, block, 'chunks');
    sum.series = Math.max(sum.series, stats.numSeries);
    sum.samples += stats.numSamples;
    sum.chunkBytes += readdirSync(chunks).reduce((bytes, file) => bytes + statSync(join(chunks, file)).size, 0);
    sum.indexBytes += statSync(join(snapshot, block, 'index')).size;
  }
  return sum;
}
