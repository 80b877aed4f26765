/** Prometheus' own paths: healthy while the process answers, ready while spawns are measured. */
import type { FastifyPluginCallback } from 'fastify';
import type { Engine } from '../../model/engine.ts';

interface Options {
  readonly engine: Engine;
  /** Whether the tables can be read, as far as is known: checks of health come often, and must cost nothing. */
  readonly canRead: () => Promise<boolean>;
}

export const healthPlugin: FastifyPluginCallback<Options> = (app, { engine, canRead }, done) => {
  app.get('/-/healthy', async (_request, reply) => reply.type('text/plain').send('forktax is healthy.\n'));

  app.get('/-/ready', async (_request, reply) => {
    const problem = await problemOf();
    reply.code(problem ? 503 : 200).type('text/plain');
    return reply.send(problem ? `forktax is not ready: ${problem}.\n` : 'forktax is ready.\n');
  });

  done();

  async function problemOf(): Promise<string | undefined> {
    if (!engine.hooks.some((hook) => hook.attached)) return 'no hook is attached';
    if (engine.source?.down !== undefined) return engine.source.down;
    return (await canRead()) ? undefined : 'the tables of spawn costs cannot be read';
  }
};
