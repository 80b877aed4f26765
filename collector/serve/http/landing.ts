/** What a browser sees first. */
import type { FastifyPluginCallback } from 'fastify';
import { missedColumns } from '../../model/hooks.ts';
import type { Engine } from '../../model/engine.ts';

interface Options {
  readonly engine: Engine;
  readonly version: string;
  readonly telemetryPath: string;
}

export const landingPlugin: FastifyPluginCallback<Options> = (app, options, done) => {
  const page = landingPage(options);
  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  done();
};

function landingPage({ engine, version, telemetryPath }: Options): string {
  const absent = [...missedColumns(engine.hooks)].map(([column, reason]) => `<li>${escape(column)}: ${escape(reason)}`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>forktax</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  code { font-size: 0.95em }
  :root { color-scheme: light dark }
</style>
<h1>forktax</h1>
<p>What process spawning costs this system. Version ${escape(version)}, engine ${escape(engine.name)},
spawning calls seen by ${escape(engine.callHook ?? 'nothing')}.
<ul>
  <li><a href="${escape(telemetryPath)}">${escape(telemetryPath)}</a>: metrics for Prometheus
  <li><a href="/api/v1/costs">/api/v1/costs</a>: the table of spawn costs as JSON
  <li><a href="/api/v1/events">/api/v1/events</a>: spawns as they happen, as server-sent events
  <li><a href="/-/healthy">/-/healthy</a>, <a href="/-/ready">/-/ready</a>: is it well?
</ul>
${absent.length > 0 ? `<p>Not measured here:\n<ul>\n${absent.join('\n')}\n</ul>\n` : ''}</html>
`;
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
