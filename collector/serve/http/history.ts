/** The last minutes of spawn costs, and the state of the collector: what the page at `/` shows. */
import type { FastifyPluginCallback } from 'fastify';
import type { CgroupNames } from '../../system/cgroups.ts';
import { TIME_BOUNDS_NS } from '../../model/bounds.ts';
import { absentColumns } from '../../model/hooks.ts';
import type { Engine } from '../../model/engine.ts';
import type { History } from '../history/history.ts';
import { FAILURE_FIELDS, ROW_FIELDS, type Point } from '../history/point.ts';
import type { RefusalCounts } from '../metrics/refusals.ts';
import { cgroupFields } from './costs.ts';
import { createPages } from './pages.ts';
import { SCHEMA, toRecord } from './record.ts';
import { UNSHARED } from './readings.ts';
import { Refusal } from './refusal.ts';
import type { SiteProfiler } from './sites.ts';
import type { TurnOptions } from './turns.ts';

interface Options {
  readonly engine: Engine;
  readonly version: string;
  readonly cgroupNames: CgroupNames | undefined;
  readonly history: History;
  readonly profiler: SiteProfiler;
  readonly serverCounts: () => object;
  readonly turns: Pick<TurnOptions, 'most'> & Partial<TurnOptions>;
  readonly refusals: RefusalCounts;
}

export const historyPlugin: FastifyPluginCallback<Options> = (app, options, done) => {
  const { history, turns, refusals } = options;
  const pages = createPages({ readings: UNSHARED, turns, refusals });
  app.addHook('onReady', async () => history.start());
  app.addHook('preClose', async () => history.stop());

  app.get<{ Querystring: { from?: string } }>('/api/v1/history', async (request, reply) => {
    const { from = '0' } = request.query;
    if (!/^\d{1,15}$/.test(from)) throw new Refusal(400, 'from: must be the seq of a point, such as next_seq.');
    const points = history.pointsFrom(Number(from));
    await options.cgroupNames?.resolve(points.flatMap(({ ids }) => ids));
    reply.header('cache-control', 'no-store');
    return pages.send(request, reply, () => ({
      contentType: 'application/json; charset=utf-8',
      pieces: () => renderHistory(points, options),
    }));
  });

  done();
};

function* renderHistory(points: readonly Point[], options: Options): Generator<string | Uint8Array> {
  const { engine, version, history, cgroupNames, profiler } = options;
  const { name, callHook, label, hooks, insteadOf, source } = engine;
  const { health, programs, atMs } = history.lastSnapshot ?? {};
  const ids = cgroupNames && new Set(points.flatMap((point) => point.ids));
  const head = {
    schema: SCHEMA,
    version,
    engine: { name, callHook, label, hooks, insteadOf },
    ...(source && { source: { restarts: source.restarts, down: source.down } }),
    absent: Array.from(absentColumns(hooks), ([column, reason]) => ({ column, reason })),
    sites: 'needs' in profiler ? { needs: profiler.needs } : {},
    atMs,
    health,
    programs,
    collector: collectorCosts(history, options.serverCounts()),
    startedMs: history.startedMs,
    nextSeq: history.nextSeq,
    rowFields: ROW_FIELDS,
    failureFields: FAILURE_FIELDS,
    stallBoundsNs: TIME_BOUNDS_NS,
  };
  yield JSON.stringify(toRecord(head)).slice(0, -1);
  if (ids) yield `,"cgroups":${JSON.stringify(cgroupsById(ids, cgroupNames))}`;
  yield ',"points":[';
  for (const [i, { json }] of points.entries()) {
    if (i > 0) yield ',';
    yield json;
  }
  yield ']}';
}

/** What the collector itself takes, in total since its start. */
function collectorCosts(history: History, counts: object): object {
  const { user, system } = process.cpuUsage();
  const { bytes, spentMs, intervalMs } = history.cost;
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    uptimeSeconds: process.uptime(),
    historyBytes: bytes,
    historySeconds: spentMs / 1000,
    historyIntervalMs: intervalMs,
    ...counts,
  };
}

function cgroupsById(ids: ReadonlySet<string>, names: CgroupNames): object {
  return Object.fromEntries(Array.from(ids, (id) => [id, toRecord(cgroupFields(names, id))]));
}
