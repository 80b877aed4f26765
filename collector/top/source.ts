/** Where readings come from: an engine of this host, or the address of a collector. */
import { hostname } from 'node:os';
import type { ColumnGroup } from '../model/columns.ts';
import { absentColumns } from '../model/hooks.ts';
import { examineSpawner, type ExaminedSpawner } from '../advice/examine-spawner.ts';
import { placeName } from '../model/cgroup-identity.ts';
import type { Engine } from '../model/engine.ts';
import type { RowLabel } from '../model/options.ts';
import type { CostRow } from '../model/rows.ts';
import type { EngineEvent } from '../model/events.ts';
import { fetchCosts } from '../remote/costs.ts';
import type { PlaceOf, Reading } from './history.ts';
import { Places } from './places.ts';

/** What may be missing: what no hook measures, and where spawners run. */
export type TopNeed = ColumnGroup | 'places';

export interface Source {
  readonly title: string;
  /** What tells rows apart besides their names. */
  readonly label: RowLabel;
  read(): Promise<Reading & { readonly eventsLost: number; readonly absent: ReadonlyMap<TopNeed, string> }>;
  /** Gives the container or unit of a spawner; undefined where it is not known. */
  readonly placeOf: PlaceOf;
  /** Looks at the process of a row, or at the one of its longest stall. Absent where processes are elsewhere. */
  examine?(row: CostRow): ExaminedSpawner | undefined;
  /** Absent where single spawns cannot be seen. */
  subscribe?(onEvents: (events: readonly EngineEvent[]) => void): () => void;
}

export function hostSource(engine: Engine): Source {
  const { label } = engine;
  const isHere = !engine.clock;
  const places = isHere && label !== 'none' ? new Places(label) : undefined;
  const absent = new Map<TopNeed, string>([
    ...absentColumns(engine.hooks),
    ...(places ? [] : [['places', 'a recording holds no names of cgroups'] as const]),
  ]);
  return {
    title: isHere ? hostname() : 'a recording',
    label,
    placeOf: (row) => places?.of(row),
    ...(isHere && {
      examine({ comm, id, slowest }: CostRow) {
        const pid = label === 'pid' && id !== undefined ? Number(id) : slowest?.pid;
        return pid === undefined ? undefined : examineSpawner(pid, comm);
      },
    }),
    async read() {
      await engine.settle?.();
      const { rows, failures, health, atMs } = engine.snapshot();
      return { atMs, rows, failures, eventsLost: health.eventsLost, absent };
    },
    subscribe: (onEvents) => engine.subscribe(onEvents),
  };
}

/** Failures are not part of what a collector tells of its costs. It knows cgroups if it was started with such a label. */
export async function remoteSource(url: URL): Promise<Source> {
  const { label } = await fetchCosts(url);
  return {
    title: url.host,
    label,
    placeOf: ({ cgroup }) => (cgroup === undefined ? undefined : placeName(cgroup)),
    async read() {
      const { rows, absent, eventsLost } = await fetchCosts(url);
      return {
        atMs: performance.now(),
        rows,
        failures: [],
        eventsLost,
        absent: new Map<TopNeed, string>([
          ...absent,
          ['execFailures', 'not asked for'],
          ...(label === 'cgroup' ? [] : [['places', 'the collector was started without --label=cgroup'] as const]),
        ]),
      };
    },
  };
}
