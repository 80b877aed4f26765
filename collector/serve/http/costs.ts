/** The table of spawn costs as JSON, for programs that want no metrics. */
import type { FastifyPluginCallback } from 'fastify';
import type { CgroupNames } from '../../system/cgroups.ts';
import { absentColumns } from '../../model/hooks.ts';
import { measuredPart, type FailureRow } from '../../model/rows.ts';
import type { Engine } from '../../model/engine.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { HISTOGRAM_BOUNDS } from '../../model/bounds.ts';
import { COST_COLUMNS } from '../../model/columns.ts';
import { SCHEMA, toRecord } from './record.ts';

/** By column, in nanoseconds or bytes. A histogram has one count more than bounds. */
const BOUNDS = Object.fromEntries(
  Object.entries(COST_COLUMNS).flatMap(([name, { kind }]) =>
    kind === 'counter' ? [] : [[name, HISTOGRAM_BOUNDS[kind]]],
  ),
);

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
    return toRecord(costsOf(snapshot, options));
  });
  done();
};

function costsOf({ rows, failures, ...rest }: Snapshot, { engine, version, cgroupNames }: Options): object {
  const absent = absentColumns(engine.hooks);
  const { name, callHook, label, hooks, insteadOf } = engine;
  return {
    schema: SCHEMA,
    version,
    engine: { name, callHook, label, hooks, insteadOf },
    absent: Array.from(absent, ([column, reason]) => ({ column, reason })),
    bounds: BOUNDS,
    ...rest,
    rows: rows.map((row) => withCgroup(measuredPart(row, absent))),
    failures: failures
      .filter(({ kind }) => !absent.has(kind === 'exec' ? 'execFailures' : 'stall'))
      .map((failure) => withCgroup(failure)),
  };

  function withCgroup(row: Pick<FailureRow, 'id'>): object {
    return cgroupNames && row.id !== undefined ? { ...row, cgroup: cgroupNames.nameOf(row.id) } : row;
  }
}
