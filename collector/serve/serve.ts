/** Runs the exporter from start to stop. */
import type { Logger } from 'pino';
import type { PodDirectory } from '../model/cgroup-identity.ts';
import { cgroupIdOf, createCgroupNames } from '../system/cgroups.ts';
import { formatConfig, loadConfig, type Sources } from './config/load.ts';
import type { Config } from './config/schema.ts';
import { watchWebConfig, type WatchedWebConfig } from './config/watch.ts';
import { loadWebConfig, OPEN_WEB_CONFIG, type WebConfig } from './config/web.ts';
import { EVENT_RING_BYTES } from '../measuring/event-ring.ts';
import type { OpenEngine } from '../measuring/open-engine.ts';
import type { Clock } from '../model/clock.ts';
import { missedColumns } from '../model/hooks.ts';
import { DEFAULT_ENGINE_OPTIONS, DEFAULT_STACK_OPTIONS, rowLabelOf, type EngineOptions } from '../model/options.ts';
import type { Engine } from '../model/engine.ts';
import { dropCapabilities, releasePages } from '../system/native.ts';
import { openEngine as openChosen } from '../engine/open.ts';
import { ForktaxError } from '../model/errors.ts';
import type { Unwinder } from '../system/unwinder.ts';
import { keepHeapSmall } from './small-heap.ts';
import { createLineWriter, createLogger, type LineWriter } from './log.ts';
import { createProcessMetrics } from './metrics/process.ts';
import { createServiceManager, passedSockets, type ServiceManager } from './service-manager.ts';
import { createPodDirectory } from '../remote/pod-directory.ts';
import { requireProcess } from '../system/target-process.ts';
import { tracefs } from '../system/tracefs.ts';
import { standardOutput } from '../terminal/output.ts';
import { VERSION } from '../system/version.ts';
import { buildApp } from './http/app.ts';
import { createHostCheck } from './http/hosts.ts';
import type { SiteProfiler } from './http/sites.ts';
import { listen, type Listening } from './http/listen.ts';
import { createRefusalCounts } from './metrics/refusals.ts';

/**
 * With `openReplay`, serves a recording: it is played meanwhile, and served as it was at its end until `stop` is aborted.
 * @throws ForktaxError when it cannot start
 */
export async function serve(sources: Sources, stop: AbortSignal, openReplay?: OpenEngine): Promise<void> {
  const config = await loadConfig(sources);
  const log = createLineWriter(process.stderr);
  const logger = createLogger({ level: config['log.level'], format: config['log.format'], write: log.write });
  let listening: Listening | undefined;
  const warn = ({ warnings }: WebConfig) => {
    for (const warning of warnings) logger.warn(`web.config.file: ${warning}`);
  };
  const webConfig = await watchWebConfig({
    path: config['web.config.file'],
    onChange: (changed) => {
      if (changed.tls) listening?.useCertificates(changed.tls);
      logger.info('web.config.file was read again');
      warn(changed);
    },
    onError: (error) => logger.error(`web.config.file has an error, so the settings in force stay: ${error.message}`),
  });
  warn(webConfig.current());
  const engine = await (openReplay ? openRecording(openReplay, config) : openEngine(config, logger));
  const manager = createServiceManager({
    onError: ({ message }) => logger.warn(`cannot notify the service manager at NOTIFY_SOCKET: ${message}`),
  });
  const onReload = () => void reload(webConfig, manager, logger);
  process.on('SIGHUP', onReload);
  const smallHeap = keepHeapSmall();
  let unwinder: Unwinder | undefined;
  try {
    // Most collectors need none of this in memory.
    const sites = config['web.enable-sites'] ? await import('./sites.ts') : undefined;
    unwinder = sites?.openSiteUnwinder();
    const profiler = unwinder && sites?.createSiteProfiler(engine, unwinder);
    listening = await start(engine, { config, webConfig: webConfig.current, logger, log, profiler });
    manager.ready(MEASURING);
    if (engine.clock) void play(engine.clock, stop, logger);
    await aborted(stop);
    logger.info('stopping');
    manager.stopping();
    await listening.close();
  } finally {
    process.off('SIGHUP', onReload);
    smallHeap[Symbol.dispose]();
    webConfig.close();
    unwinder?.close();
    engine.close();
  }
}

const MEASURING = 'measuring every process spawn';

/** Reloads on SIGHUP, as operators expect of a daemon. Other settings need new probes or sockets, so they need a restart. */
async function reload(webConfig: WatchedWebConfig, manager: ServiceManager, logger: Logger): Promise<void> {
  logger.info('SIGHUP: reading web.config.file again; other settings need a restart');
  manager.reloading();
  await webConfig.reload();
  manager.ready(MEASURING);
}

/** Prints the settings in force. Also checks the web configuration, and needs no privilege. */
export async function showConfig(sources: Sources): Promise<void> {
  const config = await loadConfig(sources);
  const web = config['web.config.file'];
  const { warnings } = web === undefined ? OPEN_WEB_CONFIG : await loadWebConfig(web);
  for (const warning of warnings) process.stderr.write(`forktax: web.config.file: ${warning}\n`);
  process.stdout.write(formatConfig(config));
}

interface Surroundings {
  readonly config: Config;
  readonly webConfig: () => WebConfig;
  readonly logger: Logger;
  readonly log: LineWriter;
  /** With `web.enable-sites`. */
  readonly profiler: SiteProfiler | undefined;
}

async function start(engine: Engine, { config, webConfig, logger, log, profiler }: Surroundings): Promise<Listening> {
  const refusals = createRefusalCounts();
  const app = buildApp({
    engine,
    version: VERSION,
    logger,
    webConfig,
    telemetryPath: config['web.telemetry-path'],
    maxRequests: config['web.max-requests'],
    metricGroups: config.metrics,
    // A recording has the label that it was made with.
    ...(!engine.clock && { label: config.label }),
    refusals,
    logLinesDropped: () => log.dropped,
    page: !config['web.disable-page'],
    isHost: createHostCheck(config['web.listen-address'], config['web.allowed-hosts']),
    ...(profiler && { profiler }),
    ...(!config['web.disable-exporter-metrics'] && { processMetrics: createProcessMetrics() }),
    // The ids of a recording are of the cgroups of another host, or of another time.
    ...(engine.label === 'cgroup' && !engine.clock && { cgroupNames: createCgroupNames(podsOf(config, logger)) }),
  });
  const addresses = config['web.systemd-socket'] ? passedSockets() : config['web.listen-address'];
  const listening = await listen(app, addresses, webConfig, refusals);
  if (engine.clock) return announced(listening, webConfig, logger);
  // Listening on a port below 1024 is the last thing that needs capabilities. A bpftrace that dies needs them to start again.
  if (engine.source) logger.debug('capabilities are kept: bpftrace needs them');
  else {
    const { keptCapBpf } = dropCapabilities(() => engine.snapshot());
    logger.debug({ keptCapBpf }, 'capabilities were dropped');
  }
  announced(listening, webConfig, logger);
  releasePages();
  return listening;
}

function announced(listening: Listening, webConfig: () => WebConfig, logger: Logger): Listening {
  const scheme = webConfig().tls ? 'https' : 'http';
  for (const address of listening.addresses) logger.info({ url: `${scheme}://${address}/` }, 'listening');
  return listening;
}

/** What was not recorded cannot be chosen now, but it is told that it is missing. Filters apply to a recording too. */
async function openRecording(open: OpenEngine, { comm, pid, metrics }: Config): Promise<Engine> {
  const filter = { ...(comm !== undefined && { comm }), ...(pid !== undefined && { pid }) };
  return open('auto', { filter, timesCowFaults: metrics.includes('cow-time') }, standardOutput);
}

async function play(clock: Clock, stop: AbortSignal, logger: Logger): Promise<void> {
  await clock.pause(undefined, stop);
  if (clock.ended) logger.info('the recording has ended; it is served as it was then, until this is stopped');
}

const HISTORIES = {
  new: 'the counters stay in the folder of --pin when this process ends',
  continued: 'the counters in the folder of --pin continue',
  'other-layout':
    'the counters in the folder of --pin had another layout, so they were removed and counting begins anew',
};

async function openEngine(config: Config, logger: Logger): Promise<Engine> {
  const engine = await openChosen(config.engine, await engineOptionsOf(config), (trouble) => logger.error(trouble));
  const names = engine.hooks.map((hook) => hook.name);
  const unknown = config['without-hook'].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    engine.close();
    const message = `without-hook: there is no hook ${unknown} here; the hooks are ${names.join(', ')}`;
    throw new ForktaxError('FORKTAX_CONFIG', message);
  }
  logger.info({ version: VERSION, engine: engine.name, callHook: engine.callHook ?? 'none' }, 'measuring');
  if (engine.history) logger[engine.history === 'other-layout' ? 'warn' : 'info'](HISTORIES[engine.history]);
  if (engine.insteadOf)
    logger.warn({ reason: engine.insteadOf.reason }, 'the core engine cannot run, so bpftrace measures');
  if (engine.callHook === 'raw' && config['call-hook'] === 'auto') logger.warn(costOfRaw());
  for (const [column, reason] of missedColumns(engine.hooks)) logger.warn({ reason }, `not measured here: ${column}`);
  return engine;
}

/** docs/overhead.md has the figures. */
function costOfRaw(): string {
  const cost = 'the call hook is raw, which adds about 200 ns to every system call of this host';
  if (tracefs() !== undefined) return `${cost}; forktax doctor says why the other call hooks cannot be used`;
  return `${cost}; to make that about 50 ns, mount tracefs and restart: mount -t tracefs tracefs /sys/kernel/tracing`;
}

async function engineOptionsOf(config: Config): Promise<EngineOptions> {
  const { comm, pid, cgroup, pin } = config;
  if (pid !== undefined) requireProcess(pid);
  return {
    ...DEFAULT_ENGINE_OPTIONS,
    maxSpawners: config['max-spawners'],
    maxProcesses: config['max-processes'],
    label: rowLabelOf(config.label),
    ...(pin !== undefined && { pin }),
    ...(config['web.enable-sites'] && { stacks: DEFAULT_STACK_OPTIONS, ringBytes: EVENT_RING_BYTES }),
    nameBy: config['name-by'],
    callHook: config['call-hook'],
    withoutHooks: config['without-hook'],
    timesCowFaults: config.metrics.includes('cow-time'),
    filter: {
      ...(comm !== undefined && { comm }),
      ...(pid !== undefined && { pid }),
      ...(cgroup !== undefined && { cgroup: await cgroupIdOf(cgroup) }),
    },
  };
}

function podsOf(config: Config, logger: Logger): { pods?: PodDirectory } {
  const url = config['kubelet.url'];
  if (url === undefined) return {};
  const kubelet = {
    url,
    tokenFile: config['kubelet.token-file'],
    caFile: config['kubelet.ca-file'],
    skipVerify: config['kubelet.insecure-skip-verify'],
  };
  return { pods: createPodDirectory(kubelet, { report: (trouble) => logger.warn(trouble) }) };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
