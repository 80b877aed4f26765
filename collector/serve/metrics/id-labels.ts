/** The labels that a row has for its `id`, which is that of a cgroup or a process. */
import { shortId, type NamedCgroup } from '../../model/cgroup-identity.ts';
import type { LabelChoice } from '../../model/options.ts';
import { UNKNOWN_CGROUP, type CgroupNames } from '../../system/cgroups.ts';

/** `--label`: the labels that it adds, the one that is always there first. */
const LABELS_OF = {
  cgroup: ['cgroup'],
  unit: ['unit'],
  container: ['container', 'pod', 'namespace'],
  pod: ['pod', 'namespace'],
  pid: ['pid'],
} as const satisfies Readonly<Record<Exclude<LabelChoice, 'none'>, readonly string[]>>;

/** An empty value is no label to Prometheus: a process in no container, say. */
export interface IdLabels {
  readonly names: readonly string[];
  /** In the order of `names`. */
  readonly valuesOf: (id: string) => readonly string[];
}

export function createIdLabels(choice: LabelChoice, cgroups: CgroupNames | undefined): IdLabels | undefined {
  if (choice === 'none') return undefined;
  const names = LABELS_OF[choice];
  if (!cgroups) return { names, valuesOf: (id) => [id] };
  return {
    names,
    valuesOf(id) {
      const path = cgroups.nameOf(id);
      if (path === UNKNOWN_CGROUP) return specialValues({ names }, UNKNOWN_CGROUP);
      const cgroup = cgroups.identityOf(id);
      return names.map((name) => VALUES[name]?.(cgroup, path) ?? '');
    },
  };
}

/** For what is of no cgroup or process in particular, or of one that is not known. */
export function specialValues({ names }: Pick<IdLabels, 'names'>, value: string): readonly string[] {
  return names.map((_, i) => (i === 0 ? value : ''));
}

const VALUES: Readonly<Record<string, (cgroup: NamedCgroup, path: string) => string>> = {
  cgroup: (_cgroup, path) => path,
  unit: ({ unit = '' }) => unit,
  container: ({ container, names }) => names?.container ?? (container ? shortId(container) : ''),
  pod: ({ podUid = '', names }) => names?.pod ?? podUid,
  namespace: ({ names }) => names?.namespace ?? '',
};
