/** Metrics about forktax itself: whether it works, how full its tables are, what it lost and what it costs. */
import type { Engine } from '../../model/engine.ts';
import type { Health, ProgramCost, Snapshot } from '../../model/snapshot.ts';
import type { RefusalCounts } from './refusals.ts';
import type { Descriptor } from './descriptors.ts';
import type { Family } from './family.ts';

/** What the server counts. */
export interface ServerCounts {
  readonly eventClients: number;
  readonly eventClientsDropped: number;
  readonly eventsSkipped: number;
  readonly refusals: Readonly<RefusalCounts>;
  readonly logLinesDropped: number;
}

export interface SelfState extends ServerCounts {
  readonly version: string;
  readonly engine: Engine;
  /** Absent when the tables could not be read. */
  readonly snapshot: Snapshot | undefined;
  /** Gives the time that this scrape has taken so far: reading the tables and rendering. */
  readonly scrapeSeconds: () => number;
}

type Labelled = readonly [labels: Readonly<Record<string, string>>, value: number];

export interface SelfMetric extends Descriptor {
  readonly samples: (state: SelfState) => readonly Labelled[];
}

const one = (value: number): readonly Labelled[] => [[{}, value]];
const ofHealth = (name: keyof Health) => (state: SelfState) => (state.snapshot ? one(state.snapshot.health[name]) : []);
const ofPrograms = (value: (program: ProgramCost) => number) => (state: SelfState) =>
  (state.snapshot?.programs ?? []).map((cost): Labelled => [{ program: cost.program }, value(cost)]);

const METRICS = [
  {
    name: 'forktax_up',
    kind: 'gauge',
    labels: [],
    help: 'Whether spawns are measured and the tables of their costs could be read for this scrape.',
    samples: ({ snapshot, engine }) => one(snapshot && engine.source?.down === undefined ? 1 : 0),
  },
  {
    name: 'forktax_build_info',
    kind: 'gauge',
    labels: ['version', 'node_version'],
    help: 'Always 1; the version is in the labels.',
    samples: ({ version }) => [[{ version, node_version: process.versions.node }, 1]],
  },
  {
    name: 'forktax_engine_info',
    kind: 'gauge',
    labels: ['engine', 'call_hook'],
    help: 'Always 1; the labels say which engine measures, and with which call hook ("none" if it cannot see the spawning calls).',
    samples: ({ engine }) => [[{ engine: engine.name, call_hook: engine.callHook ?? 'none' }, 1]],
  },
  {
    name: 'forktax_engine_restarts_total',
    kind: 'counter',
    labels: [],
    help: 'How often bpftrace ended or stopped answering and was started again. Always 0 with the engine core.',
    samples: ({ engine }) => one(engine.source?.restarts ?? 0),
  },
  {
    name: 'forktax_hook_attached',
    kind: 'gauge',
    labels: ['hook'],
    help: 'Whether the hook is attached. Metrics that a missing hook feeds are absent; forktax doctor says why.',
    samples: ({ engine }) => engine.hooks.map((hook) => [{ hook: hook.name }, hook.attached ? 1 : 0]),
  },
  {
    name: 'forktax_table_rows',
    kind: 'gauge',
    labels: [],
    help: 'Rows in the table of spawn costs.',
    samples: ofHealth('tableRows'),
  },
  {
    name: 'forktax_table_capacity',
    kind: 'gauge',
    labels: [],
    help: 'Rows that the table of spawn costs can hold (--max-spawners).',
    samples: ofHealth('tableCapacity'),
  },
  {
    name: 'forktax_table_folded_total',
    kind: 'counter',
    labels: [],
    help: 'Costs charged to the spawner "(other)" because the table was full.',
    samples: ofHealth('rowsFolded'),
  },
  {
    name: 'forktax_table_evicted_total',
    kind: 'counter',
    labels: [],
    help: 'Rows that were long unused and left the table to make room. Their costs stay in every sum, and a row that comes back continues where it was.',
    samples: ofHealth('rowsEvicted'),
  },
  {
    name: 'forktax_failures_folded_total',
    kind: 'counter',
    labels: [],
    help: 'Failures charged to the spawner "(other)" because their table was full.',
    samples: ofHealth('failuresFolded'),
  },
  {
    name: 'forktax_calls_tracked',
    kind: 'gauge',
    labels: [],
    help: 'Threads in the table of calls: in a spawning call, or remembered since their last one.',
    samples: ofHealth('callsTracked'),
  },
  {
    name: 'forktax_calls_untracked_total',
    kind: 'counter',
    labels: [],
    help: 'Spawns counted without their stall, because the table of calls was full.',
    samples: ofHealth('callsUntracked'),
  },
  {
    name: 'forktax_processes_tracked',
    kind: 'gauge',
    labels: [],
    help: 'Children that are followed until exec and exit, and spawners that are followed for copy-on-write faults.',
    samples: ofHealth('processesTracked'),
  },
  {
    name: 'forktax_processes_capacity',
    kind: 'gauge',
    labels: [],
    help: 'Room for forktax_processes_tracked, and as much again for forktax_calls_tracked (--max-processes).',
    samples: ofHealth('processCapacity'),
  },
  {
    name: 'forktax_processes_untracked_total',
    kind: 'counter',
    labels: [],
    help: 'Children and spawners that could not be followed because their table was full. Their exec delays, lifetimes and faults are missing.',
    samples: ofHealth('processesUntracked'),
  },
  {
    name: 'forktax_sibling_waits_untracked_total',
    kind: 'counter',
    labels: [],
    help: 'Waits of sibling threads that could not be followed because their table was full. They are in no other metric.',
    samples: ofHealth('siblingWaitsUntracked'),
  },
  {
    name: 'forktax_cow_faults_untimed_total',
    kind: 'counter',
    labels: [],
    help: 'Copy-on-write faults that are missing in forktax_cow_fault_seconds_total, because the table of those under way was full.',
    samples: ofHealth('cowFaultsUntimed'),
  },
  {
    name: 'forktax_events_lost_total',
    kind: 'counter',
    labels: [],
    help: 'Events that were dropped because the buffer was full. Metrics of the engine core do not depend on events; those of bpftrace lack them.',
    samples: ofHealth('eventsLost'),
  },
  {
    name: 'forktax_event_clients',
    kind: 'gauge',
    labels: [],
    help: 'Clients connected to /api/v1/events. The kernel writes events only while there are any.',
    samples: (state) => one(state.eventClients),
  },
  {
    name: 'forktax_event_clients_dropped_total',
    kind: 'counter',
    labels: [],
    help: 'Clients of /api/v1/events that were disconnected because they did not read.',
    samples: (state) => one(state.eventClientsDropped),
  },
  {
    name: 'forktax_events_skipped_total',
    kind: 'counter',
    labels: [],
    help: 'Events that were left out for clients of /api/v1/events that read too slowly.',
    samples: (state) => one(state.eventsSkipped),
  },
  {
    name: 'forktax_clients_refused_total',
    kind: 'counter',
    labels: ['reason'],
    help: 'Requests and connections that were refused or cut off, so that others are answered; docs/security.md has the reasons.',
    samples: ({ refusals }) => Object.entries(refusals).map(([reason, count]) => [{ reason }, count]),
  },
  {
    name: 'forktax_log_lines_dropped_total',
    kind: 'counter',
    labels: [],
    help: 'Lines of the log that could not be written: standard error is closed, full or not read.',
    samples: (state) => one(state.logLinesDropped),
  },
  {
    name: 'forktax_probe_run_seconds_total',
    kind: 'counter',
    unit: 'seconds',
    labels: ['program'],
    help: 'Time spent in a BPF program. Counted only while sysctl kernel.bpf_stats_enabled is on.',
    samples: ofPrograms((cost) => cost.runNs / 1e9),
  },
  {
    name: 'forktax_probe_runs_total',
    kind: 'counter',
    labels: ['program'],
    help: 'Runs of a BPF program. Counted only while sysctl kernel.bpf_stats_enabled is on.',
    samples: ofPrograms((cost) => cost.runs),
  },
  {
    name: 'forktax_probe_runs_missed_total',
    kind: 'counter',
    labels: ['program'],
    help: 'Runs of a BPF program that the kernel skipped because the program was already running on that processor.',
    samples: ofPrograms((cost) => cost.missed),
  },
  {
    name: 'forktax_scrape_duration_seconds',
    kind: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'Time that this scrape took to read the tables and render them.',
    samples: (state) => one(state.scrapeSeconds()),
  },
] as const satisfies readonly SelfMetric[];

/** Has names and labels as types, for the dashboards. */
export type NamedSelfMetric = (typeof METRICS)[number];

export const SELF_METRICS: readonly SelfMetric[] = METRICS;

export function* selfFamilies(state: SelfState): Generator<Family> {
  for (const metric of SELF_METRICS) {
    const samples = metric.samples(state).map(([labels, value]) => ({ labels: Object.entries(labels), value }));
    if (samples.length > 0) yield { head: metric, samples };
  }
}
