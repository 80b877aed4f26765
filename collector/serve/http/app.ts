/** The exporter without its sockets: tests ask it directly, `listen.ts` puts it on the net. */
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Registry } from 'prom-client';
import type { CgroupNames } from '../../system/cgroups.ts';
import type { WebConfig } from '../config/web.ts';
import type { Engine } from '../../model/engine.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { accessPlugin } from './access.ts';
import { costsPlugin } from './costs.ts';
import { DEFAULT_EVENT_HUB_OPTIONS, EventHub, type EventHubOptions } from './event-hub.ts';
import { eventsPlugin } from './events.ts';
import { healthPlugin } from './health.ts';
import { landingPlugin } from './landing.ts';
import { metricsPlugin } from './metrics.ts';

export interface AppOptions {
  readonly engine: Engine;
  readonly version: string;
  readonly logger: FastifyBaseLogger;
  readonly telemetryPath: string;
  /** Scrapes at a time; 0: no limit. */
  readonly maxRequests: number;
  /** Asked at every request: it may change. */
  readonly webConfig: () => WebConfig;
  /** Absent: `process_*` and `nodejs_*` are left out. */
  readonly processMetrics?: Registry;
  /** For an engine with the label `cgroup`. */
  readonly cgroupNames?: CgroupNames;
  readonly events?: Partial<EventHubOptions>;
}

export function buildApp(options: AppOptions): FastifyInstance {
  const { engine, version, logger, telemetryPath, cgroupNames, processMetrics } = options;
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
  });
  const hub = new EventHub(engine, { ...DEFAULT_EVENT_HUB_OPTIONS, ...options.events });
  const sources = { engine, version, readTables, cgroupNames, processMetrics, eventCounts: () => hub.counts() };

  app.register(accessPlugin, { webConfig: options.webConfig });
  app.register(metricsPlugin, { path: telemetryPath, maxRequests: options.maxRequests, sources });
  app.register(landingPlugin, { engine, version, telemetryPath });
  app.register(healthPlugin, sources);
  app.register(costsPlugin, sources);
  app.register(eventsPlugin, { engine, version, hub });
  app.setErrorHandler(explain);
  return app;

  /** Requests are not logged, so what went wrong with one must be. */
  function explain(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    const code = error.statusCode ?? 500;
    if (code >= 500) logger.error({ err: error, path: request.url }, 'a request failed');
    void reply
      .code(code)
      .type('text/plain')
      .send(`${code >= 500 ? 'Internal error; see the log.' : error.message}\n`);
  }

  function readTables(): Snapshot | undefined {
    try {
      return engine.snapshot();
    } catch (error) {
      logger.error({ err: error }, 'the tables of spawn costs cannot be read');
      return undefined;
    }
  }
}
