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
import { DEFAULT_METRIC_GROUPS, type MetricGroup } from '../../model/metric-groups.ts';
import type { WebConfig } from '../config/web.ts';
import type { Engine } from '../../model/engine.ts';
import type { LabelChoice } from '../../model/options.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { accessPlugin } from './access.ts';
import { costsPlugin } from './costs.ts';
import { DEFAULT_EVENT_HUB_OPTIONS, EventHub, type EventHubOptions } from './event-hub.ts';
import { eventsPlugin } from './events.ts';
import { healthPlugin } from './health.ts';
import { History, type HistoryOptions } from '../history/history.ts';
import { historyPlugin } from './history.ts';
import { sitesPlugin, type SiteProfiler } from './sites.ts';
import { schemaPlugin } from './schema.ts';
import { createHostCheck, type HostCheck } from './hosts.ts';
import { landingPlugin } from './landing.ts';
import { metricsPlugin } from './metrics.ts';
import { pagePlugin, readPage } from './page.ts';
import { createPages } from './pages.ts';
import { createReadings } from './readings.ts';
import { createIdLabels } from '../metrics/id-labels.ts';
import { createRefusalCounts, type RefusalCounts } from '../metrics/refusals.ts';
import { Refusal } from './refusal.ts';
import type { TurnOptions } from './turns.ts';
import { readOnce } from '../metrics/reading.ts';

export interface AppOptions {
  readonly engine: Engine;
  readonly version: string;
  readonly logger: FastifyBaseLogger;
  readonly telemetryPath: string;
  /** Pages at a time; 0: no limit. */
  readonly maxRequests: number;
  /** Asked at every request: it may change. */
  readonly webConfig: () => WebConfig;
  /** The groups of metrics that are shown. Absent: the default ones. */
  readonly metricGroups?: readonly MetricGroup[];
  /** Absent: `process_*` and `nodejs_*` are left out. */
  readonly processMetrics?: Registry;
  /** What the engine's label `cgroup` is shown as. */
  readonly label?: LabelChoice;
  /** For an engine with the label `cgroup`. */
  readonly cgroupNames?: CgroupNames;
  /** Whether the live page is at `/`, with the history that it shows. */
  readonly page?: boolean;
  /** Absent: where make builds it. */
  readonly pageFolder?: string | undefined;
  /** Absent: nobody may ask which code spawns. */
  readonly profiler?: SiteProfiler;
  readonly history?: Partial<HistoryOptions>;
  readonly events?: Partial<EventHubOptions>;
  readonly turns?: Partial<TurnOptions>;
  /** Counted up here and where the sockets are. */
  readonly refusals?: RefusalCounts;
  readonly logLinesDropped?: () => number;
  /** Absent: addresses, localhost and the name of this host. */
  readonly isHost?: HostCheck;
}

const SITES_NEED = 'Call stacks are copied only by a collector that was started with --web.enable-sites';

export function buildApp(options: AppOptions): FastifyInstance {
  const { engine, version, logger, telemetryPath, cgroupNames, processMetrics } = options;
  const refusals = options.refusals ?? createRefusalCounts();
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
  });
  const hub = new EventHub(engine, { ...DEFAULT_EVENT_HUB_OPTIONS, ...options.events });
  let isKnownToFail = false;
  const readings = createReadings(async () => {
    const reading = await readOnce(readTables, cgroupNames);
    isKnownToFail = !reading.snapshot;
    return reading;
  });
  const turns = { most: options.maxRequests, ...options.turns };
  const pages = createPages({ readings, turns, refusals });
  const serverCounts = () => ({
    ...hub.counts(),
    refusals,
    logLinesDropped: options.logLinesDropped?.() ?? 0,
  });
  const profiler = options.profiler ?? { needs: SITES_NEED };
  const idLabels = createIdLabels(options.label ?? engine.label, cgroupNames);
  const groups = options.metricGroups ?? DEFAULT_METRIC_GROUPS;
  const sources = { engine, version, groups, idLabels, processMetrics, serverCounts };

  app.register(accessPlugin, {
    webConfig: options.webConfig,
    refusals,
    isHost: options.isHost ?? createHostCheck([], []),
  });
  app.register(metricsPlugin, { path: telemetryPath, sources, pages });
  // The metrics may be wanted there instead.
  const isRootFree = telemetryPath !== '/';
  const withPage = options.page === true && isRootFree;
  if (withPage) {
    const history = new History(engine, readTables, options.history);
    app.register(historyPlugin, { engine, version, cgroupNames, history, profiler, serverCounts, turns, refusals });
  }
  const files = withPage ? readPage(options.pageFolder) : undefined;
  if (files) app.register(pagePlugin, { files, webConfig: options.webConfig });
  else if (isRootFree) app.register(landingPlugin, { engine, version, telemetryPath });
  if (withPage && !files) logger.warn('the page at / is not built (make), so only links are there');
  app.register(healthPlugin, { engine, canRead });
  app.register(costsPlugin, { engine, version, cgroupNames, pages });
  app.register(eventsPlugin, { engine, version, hub });
  app.register(sitesPlugin, { version, profiler, turns, refusals });
  app.register(schemaPlugin);
  app.setErrorHandler(explain);
  app.setNotFoundHandler(refuse);
  return app;

  /** What is there may only be read. */
  function refuse({ method, url }: FastifyRequest, reply: FastifyReply): void {
    const isThere = method !== 'GET' && app.hasRoute({ method: 'GET', url: url.replace(/\?.*$/, '') });
    reply.type('text/plain');
    if (isThere) void reply.code(405).header('allow', 'GET, HEAD').send('This can only be read: GET, HEAD.\n');
    else void reply.code(404).send('There is nothing here; / has links to what there is.\n');
  }

  /** Requests are not logged, so what went wrong with one must be. */
  function explain(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    const code = error.statusCode ?? 500;
    const isDefect = code >= 500 && !(error instanceof Refusal);
    if (isDefect) logger.error({ err: error, path: request.url }, 'a request failed');
    void reply
      .code(code)
      .type('text/plain')
      .send(`${isDefect ? 'Internal error; see the log.' : error.message}\n`);
  }

  /** Tables that could not be read are tried again. */
  async function canRead(): Promise<boolean> {
    return !isKnownToFail || (await readings.take(performance.now())).snapshot !== undefined;
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
