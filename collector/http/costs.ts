/** The table of spawn costs as JSON, for programs that want no metrics. */
import type { FastifyPluginCallback } from 'fastify';
import type { CgroupNames } from '../cgroups.ts';
import {
  absentColumns,
  type Column,
  type CostRow,
  type Engine,
  type FailureRow,
  type Histogram,
  type Snapshot,
} from '../engine/engine.ts';
import { errnoName } from '../errno.ts';
import { SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from '../ledger/bounds.ts';

/** Goes up when a field changes its meaning or goes; new fields may come without. */
export const COSTS_SCHEMA = 'forktax.costs/1';

interface Options {
  readonly engine: Engine;
  readonly version: string;
  readonly readTables: () => Snapshot | undefined;
  readonly cgroupNames: CgroupNames | undefined;
}

export const costsPlugin: FastifyPluginCallback<Options> = (app, options, done) => {
  app.get('/api/v1/costs', async (_request, reply) => {
    const snapshot = options.readTables();
    reply.header('cache-control', 'no-store');
    if (!snapshot) return reply.code(503).send({ error: 'the tables of spawn costs cannot be read' });
    await options.cgroupNames?.resolve([...snapshot.rows, ...snapshot.failures].flatMap(({ id }) => id ?? []));
    return costsOf(snapshot, options);
  });
  done();
};

/** Fields of a row by the column that feeds them: absent like it, not zero. */
const FIELDS: Readonly<Record<Exclude<Column, 'execFailures'>, readonly (keyof CostRow)[]>> = {
  spawns: ['spawns', 'copiedRss', 'copiedPageTableBytes'],
  stall: ['stall', 'copyNs', 'slowest'],
  exec: ['execDelay', 'execStallNs', 'execStalls', 'avoidableStallNs'],
  lifetime: ['lifetime'],
  faults: ['cowFaultsParent', 'cowFaultsChild', 'childFaults'],
};

function costsOf({ rows, failures, ...rest }: Snapshot, { engine, version, cgroupNames }: Options): object {
  const absent: ReadonlyMap<string, string> = absentColumns(engine.hooks);
  const hidden = new Set<string>(
    Object.entries(FIELDS).flatMap(([column, fields]) => (absent.has(column) ? fields : [])),
  );
  return {
    schema: COSTS_SCHEMA,
    version,
    engine: { name: engine.name, callHook: engine.callHook, label: engine.label, hooks: engine.hooks },
    absent: Object.fromEntries(absent),
    bounds: { timeNs: TIME_BOUNDS_NS, sizeBytes: SIZE_BOUNDS_BYTES },
    ...rest,
    rows: rows.map((row) => ({ ...shown(row), ...cgroupOf(row) })),
    failures: failures
      .filter(({ kind }) => !absent.has(kind === 'exec' ? 'execFailures' : 'stall'))
      .map((failure) => Object.assign({}, failure, { error: errnoName(failure.errno) }, cgroupOf(failure))),
  };

  function shown(row: CostRow): object {
    const fields = Object.entries(row).filter(([field]) => !hidden.has(field));
    return Object.fromEntries(fields.map(([field, value]) => [field, isHistogram(value) ? plain(value) : value]));
  }

  function cgroupOf({ id }: CostRow | FailureRow): object {
    return cgroupNames && id !== undefined ? { cgroup: cgroupNames.nameOf(id) } : {};
  }
}

function isHistogram(value: unknown): value is Histogram {
  return typeof value === 'object' && value !== null && 'counts' in value;
}

/** JSON of a typed array is an object. */
function plain({ counts, sum }: Histogram): object {
  return { counts: Array.from(counts), sum };
}
