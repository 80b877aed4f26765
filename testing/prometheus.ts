/**
 * Runs Debian's Prometheus with the deployed configuration and rules. They are copied to a folder, and changed only to make
 * time faster.
 */
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiOf, type Api } from './prometheus-api.ts';
import { spawnPrometheus } from './prometheus-process.ts';

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

export interface Target {
  readonly address: string;
  /** Labels in addition to `job` and `instance`, or instead of them. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Prometheus {
  /** Host and port. */
  readonly address: string;
  readonly api: Api;
  /** Changes the file of targets, as an operator does. */
  setTargets(targets: readonly Target[]): void;
  stop(): Promise<void>;
}

/** A change to the text of the deployed files. */
export type Change = (text: string) => string;

export interface Changes {
  readonly config: Change;
  readonly rules?: Change;
  /** Features of Prometheus that are switched on, besides exemplars. */
  readonly features?: readonly string[];
}

export async function startPrometheus(targets: readonly Target[], changes: Changes): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-prometheus-'));
  const setTargets = (some: readonly Target[]) => writeTargets(folder, some);
  mkdirSync(join(folder, 'targets'));
  setTargets(targets);
  writeFileSync(
    join(folder, 'prometheus.yml'),
    changes.config(readFileSync(root('deploy/prometheus/prometheus.yml'), 'utf8')),
  );
  copyRules(folder, changes.rules);
  const features = ['exemplar-storage', ...(changes.features ?? [])].join();
  const { child, address } = await spawnPrometheus(folder, [`--enable-feature=${features}`]);
  return {
    address,
    api: apiOf(`http://${address}`),
    setTargets,
    async stop() {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

/** Writes in one step, so that no incomplete file is read. */
function writeTargets(folder: string, targets: readonly Target[]): void {
  const groups = targets.map(({ address, labels = {} }) => ({ targets: [address], labels }));
  writeFileSync(join(folder, 'targets.new'), JSON.stringify(groups));
  renameSync(join(folder, 'targets.new'), join(folder, 'targets/forktax.yml'));
}

function copyRules(folder: string, change: Change | undefined): void {
  const from = root('dashboards/generated');
  const to = join(folder, 'rules');
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (change && name.endsWith('.rules.yml'))
      writeFileSync(join(to, name), change(readFileSync(join(from, name), 'utf8')));
    else copyFileSync(join(from, name), join(to, name));
  }
}

/** Replaces text that must be there. If it is not, the configuration has changed, and this throws. */
export function replacing(...pairs: readonly (readonly [from: string, to: string])[]): Change {
  return (text) =>
    pairs.reduce((changed, [from, to]) => {
      if (!changed.includes(from)) throw new Error(`no "${from}" in what is deployed`);
      return changed.replaceAll(from, to);
    }, text);
}
