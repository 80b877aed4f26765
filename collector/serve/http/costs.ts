/** The table of spawn costs as JSON, for programs that want no metrics. */
import type { FastifyPluginCallback } from 'fastify';
import type { CgroupNames } from '../../system/cgroups.ts';
import { absentColumns } from '../../model/hooks.ts';
import { isFed, measuredPart, type FailureRow } from '../../model/rows.ts';
import type { Engine } from '../../model/engine.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { HISTOGRAM_BOUNDS } from '../../model/bounds.ts';
import { COST_COLUMNS } from '../../model/columns.ts';
import type { Reading } from '../metrics/reading.ts';
import type { Page, Pages } from './pages.ts';
import { SCHEMA, toRecord } from './record.ts';
import { Refusal } from './refusal.ts';

/** By column, in nanoseconds or bytes. A histogram has one count more than bounds. */
const BOUNDS = Object.fromEntries(
  Object.entries(COST_COLUMNS).flatMap(([name, { kind }]) =>
    kind === 'counter' ? [] : [[name, HISTOGRAM_BOUNDS[kind]]],
  ),
);

interface Options {
  readonly engine: Engine;
  readonly version: string;
  readonly cgroupNames: CgroupNames | undefined;
  readonly pages: Pages<Reading>;
}

export const costsPlugin: FastifyPluginCallback<Options> = (app, options, done) => {
  const page: Page<Reading> = {
    contentType: 'application/json; charset=utf-8',
    pieces: ({ snapshot }) => (snapshot ? renderCosts(snapshot, options) : []),
  };

  app.get('/api/v1/costs', (request, reply) => {
    reply.header('cache-control', 'no-store');
    return options.pages.send(request, reply, ({ snapshot }) => {
      if (!snapshot) throw new Refusal(503, 'The tables of spawn costs cannot be read; see the log.');
      return page;
    });
  });

  done();
};

/** Row by row, so that a large table does not hold the event loop. */
function* renderCosts({ rows, failures, ...rest }: Snapshot, options: Options): Generator<string> {
  const { engine, version, cgroupNames } = options;
  const absent = absentColumns(engine.hooks);
  const { name, callHook, label, hooks, insteadOf } = engine;
  const head = {
    schema: SCHEMA,
    version,
    engine: { name, callHook, label, hooks, insteadOf },
    absent: Array.from(absent, ([column, reason]) => ({ column, reason })),
    bounds: BOUNDS,
    ...rest,
  };
  const shownFailures = failures.filter((failure) => isFed(failure, absent));
  yield JSON.stringify(toRecord(head)).slice(0, -1);
  yield* list('rows', rows, (row) => measuredPart(row, absent));
  yield* list('failures', shownFailures, (failure) => failure);
  yield '}';

  function* list<T extends Pick<FailureRow, 'id'>>(
    key: string,
    values: readonly T[],
    shown: (value: T) => object,
  ): Generator<string> {
    yield `,"${key}":[`;
    for (const [i, value] of values.entries()) {
      const cgroup = cgroupNames && value.id !== undefined && cgroupFields(cgroupNames, value.id);
      yield `${i > 0 ? ',' : ''}${JSON.stringify(toRecord({ ...shown(value), ...cgroup }))}`;
    }
    yield ']';
  }
}

/** The path of a cgroup, and what people call it as far as that is known. */
export function cgroupFields(cgroups: CgroupNames, id: string): object {
  const { names, ...identity } = cgroups.identityOf(id);
  return { cgroup: cgroups.nameOf(id), ...identity, ...(names && { kubernetes: names }) };
}
