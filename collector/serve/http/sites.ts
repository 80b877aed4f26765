/** Which code spawns: call stacks are copied and unwound while somebody asks, for one at a time. */
import type { FastifyPluginCallback, FastifyReply } from 'fastify';
import { ForktaxError } from '../../model/errors.ts';
import type { Collected } from '../../profile/collect.ts';
import { folded } from '../../profile/folded.ts';
import { siteRecord, summaryRecord } from '../../profile/sites-json.ts';
import { WEIGHT_NAMES, type Weight } from '../../profile/weights.ts';
import { SITE_SECONDS } from '../api/schema.ts';
import type { RefusalCounts } from '../metrics/refusals.ts';
import { createPages, type Page } from './pages.ts';
import { SCHEMA } from './record.ts';
import { UNSHARED } from './readings.ts';
import { Refusal } from './refusal.ts';
import type { TurnOptions } from './turns.ts';

interface Profiled extends Collected {
  /** Why lines of scripts are not among the sites. Absent: they are. */
  readonly scriptsUnheard?: string;
}

interface Profiler {
  /** At most so many stacks are copied in a second. */
  readonly perSecond: number;
  /** Until `stop` is aborted, or for that time. */
  collect(durationNs: number, stop: AbortSignal): Promise<Profiled>;
}

/** Or a sentence that says what one needs. */
export type SiteProfiler = Profiler | { readonly needs: string };

interface Options {
  readonly version: string;
  readonly profiler: SiteProfiler;
  readonly turns: Pick<TurnOptions, 'most'> & Partial<TurnOptions>;
  readonly refusals: RefusalCounts;
}

interface Query {
  readonly seconds?: string | readonly string[];
  readonly format?: string | readonly string[];
  readonly weight?: string | readonly string[];
}

interface Asked {
  readonly seconds: number;
  readonly format: 'json' | 'folded';
  readonly weight: Weight;
}

export const sitesPlugin: FastifyPluginCallback<Options> = (app, { version, profiler, turns, refusals }, done) => {
  const pages = createPages({ readings: UNSHARED, turns, refusals });
  let running: { readonly stop: AbortController; readonly endsAt: number } | undefined;
  app.addHook('preClose', async () => running?.stop.abort());

  app.get<{ Querystring: Query }>('/api/v1/sites', { exposeHeadRoute: false }, async (request, reply) => {
    const asked = parseQuery(request.query);
    if ('needs' in profiler) throw new Refusal(404, `${profiler.needs}.`);
    if (running) {
      refusals.busy++;
      reply.header('retry-after', Math.max(1, Math.ceil((running.endsAt - performance.now()) / 1000)));
      throw new Refusal(429, 'Stacks are copied for one at a time; try again later.');
    }
    // Other pages may ask here too, though they cannot read the answer.
    if (request.headers['sec-fetch-site'] === 'cross-site')
      throw new Refusal(403, 'Another site may not ask for this.');
    if (reply.raw.destroyed) return reply.hijack();
    const profiled = await profile(profiler, asked.seconds, reply);
    reply.header('cache-control', 'no-store');
    return pages.send(request, reply, () => pageOf(profiled, profiler.perSecond, asked));
  });

  done();

  async function profile(by: Profiler, seconds: number, reply: FastifyReply): Promise<Profiled> {
    const stop = new AbortController();
    running = { stop, endsAt: performance.now() + seconds * 1000 };
    reply.raw.once('close', () => stop.abort());
    try {
      return await by.collect(seconds * 1e9, stop.signal);
    } catch (error) {
      // It is no defect of this program that others ended the unwinder.
      if (error instanceof ForktaxError) throw new Refusal(503, `${error.message}.`);
      throw error;
    } finally {
      running = undefined;
    }
  }

  function pageOf(profiled: Profiled, perSecond: number, { format, weight }: Asked): Page<unknown> {
    if (format === 'folded')
      return { contentType: 'text/plain; charset=utf-8', pieces: () => [folded(profiled.sites, weight)] };
    return { contentType: 'application/json; charset=utf-8', pieces: () => renderSites(profiled, perSecond) };
  }

  function* renderSites(profiled: Profiled, perSecond: number): Generator<string> {
    const head = {
      schema: SCHEMA,
      version,
      at_ms: profiled.startMs,
      ...summaryRecord(profiled),
      stacks_per_second: perSecond,
      ...(profiled.scriptsUnheard !== undefined && { scripts_unheard: profiled.scriptsUnheard }),
    };
    yield `${JSON.stringify(head).slice(0, -1)},"sites":[`;
    for (const [i, site] of profiled.sites.entries()) yield `${i > 0 ? ',' : ''}${JSON.stringify(siteRecord(site))}`;
    yield ']}';
  }
};

function parseQuery({ seconds = String(SITE_SECONDS.usual), format = 'json', weight = 'stall' }: Query): Asked {
  const { least, most } = SITE_SECONDS;
  const value = /^\d{1,3}$/.test(String(seconds)) ? Number(seconds) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new Refusal(400, `seconds: must be a whole number from ${least} to ${most}.`);
  if (format !== 'json' && format !== 'folded') throw new Refusal(400, 'format: must be json or folded.');
  const known = WEIGHT_NAMES.find((name) => name === weight);
  if (!known) throw new Refusal(400, `weight: must be one of ${WEIGHT_NAMES.join(', ')}.`);
  return { seconds: value, format, weight: known };
}
