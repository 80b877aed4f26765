/** Prometheus' own paths: healthy while the process answers, ready while spawns are measured. */
import type { FastifyPluginCallback } from 'fastify';
import type { Engine } from '../../model/engine.ts';
import type { Snapshot } from '../../model/snapshot.ts';

interface Options {
  readonly engine: Engine;
  readonly readTables: () => Snapshot | undefined;
}

export const healthPlugin: FastifyPluginCallback<Options> = (app, { engine, readTables }, done) => {
  app.get('/-/healthy', async (_request, reply) => reply.type('text/plain').send('forktax is healthy.\n'));

  app.get('/-/ready', async (_request, reply) => {
    const problem = problemOf();
    reply.code(problem ? 503 : 200).type('text/plain');
    return reply.send(problem ? `forktax is not ready: ${problem}.\n` : 'forktax is ready.\n');
  });

  done();

  function problemOf(): string | undefined {
    if (!engine.hooks.some((hook) => hook.attached)) return 'no hook is attached';
    if (engine.source?.down !== undefined) return engine.source.down;
    return readTables() ? undefined : 'the tables of spawn costs cannot be read';
  }
};
