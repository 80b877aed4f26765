/** The dashboard about forktax itself: does it measure, what does it miss, and what does it cost? */
import { RowBuilder, type DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard } from './frame.ts';
import { UIDS } from '../shared/uids.ts';
import { toExporter } from './links.ts';
import { notMeasuring } from '../shared/measuring.ts';
import { ANY_IS_BAD } from '../panels/alerts.ts';
import { ALERT, GOOD, NOTICEABLE } from '../panels/colours.ts';
import { graph } from '../panels/graph.ts';
import { stat } from '../panels/stat.ts';
import { table } from '../panels/table.ts';
import { timeline } from '../panels/timeline.ts';
import { TABLE_FULL_RATIO } from '../rules/thresholds.ts';
import { fleet, wholeRange } from '../shared/scopes.ts';
import { LOSSES } from '../shared/losses.ts';

export function exporter(): DashboardBuilder {
  const board = dashboard({
    uid: UIDS.exporter,
    title: 'forktax / Exporter',
    description: 'The collectors themselves: whether they measure, what they miss, and what they cost.',
    comm: 'kept',
  });
  for (const panel of [...atAGlance(), ...collectors()]) board.withPanel(panel);
  board.withRow(new RowBuilder('What is missed, and what is folded'));
  for (const panel of losses()) board.withPanel(panel);
  board.withRow(new RowBuilder('What it costs'));
  for (const panel of ownCost()) board.withPanel(panel);
  board.withRow(bpfPrograms());
  return board;
}

const CPU = fleet.ofCollectors(`rate(${fleet.foreign('process_cpu_seconds_total')}[${fleet.range}])`);
const MEMORY = fleet.ofCollectors(fleet.foreign('process_resident_memory_bytes'));
const tableUse = `${fleet.gauge('forktax_table_rows')} / ${fleet.gauge('forktax_table_capacity')}`;

function atAGlance() {
  return [
    stat({
      title: 'Not measuring',
      description: 'Collectors that do not answer Prometheus, or cannot read their tables.',
      unit: 'none',
      width: 4,
      queries: [{ legend: 'not measuring', expr: notMeasuring }],
      steps: ANY_IS_BAD,
    }),
    stat({
      title: 'Missed, in this time',
      description:
        'Calls, processes and runs of probes that had no place to be followed, in the time shown. What each means stands below.',
      unit: 'short',
      width: 4,
      queries: [{ legend: 'missed', expr: LOSSES.map(({ name }) => wholeRange.increase(name)).join(' + ') }],
      steps: ANY_IS_BAD,
    }),
    stat({
      title: 'Fullest table',
      description:
        'Share of --max-spawners in use, on the collector with least room. Red where ForktaxTableFull begins.',
      unit: 'percentunit',
      width: 4,
      queries: [{ legend: 'used', expr: `max(${tableUse})` }],
      steps: [
        [null, GOOD],
        [TABLE_FULL_RATIO, ALERT],
      ],
    }),
    stat({
      title: 'Hooks missing',
      description:
        'Hooks that could not be attached, over all collectors. forktax doctor says why; their metrics are absent.',
      unit: 'none',
      width: 4,
      queries: [{ legend: 'missing', expr: `count(${fleet.gauge('forktax_hook_attached')} == 0) or vector(0)` }],
      steps: [
        [null, GOOD],
        [1, NOTICEABLE],
      ],
    }),
    stat({
      title: 'CPU of a collector',
      description: 'The dearest collector process, in processors. What the probes add to the spawners is not in it.',
      unit: 'percentunit',
      width: 4,
      queries: [{ legend: 'CPU', expr: `max(${CPU})` }],
    }),
    stat({
      title: 'Memory of a collector',
      description: 'Resident memory of the largest collector process.',
      unit: 'bytes',
      width: 4,
      queries: [{ legend: 'memory', expr: `max(${MEMORY})` }],
    }),
  ];
}

function collectors() {
  return [
    table({
      title: 'Collectors',
      description: 'Version, engine, and where each sees the spawning calls. A click on one leaves out the others.',
      width: 14,
      keys: [
        { label: 'instance', name: 'Collector', link: toExporter },
        { label: 'version', name: 'forktax' },
        { label: 'node_version', name: 'Node.js' },
        { label: 'engine', name: 'Engine' },
        { label: 'call_hook', name: 'Calls seen by' },
      ],
      columns: [
        {
          name: 'Series',
          unit: 'short',
          expr: `${fleet.foreign('scrape_samples_scraped')} * on (job, instance) group_left (version, node_version) ${fleet.gauge('forktax_build_info')} * on (job, instance) group_left (engine, call_hook) ${fleet.gauge('forktax_engine_info')}`,
        },
      ],
    }),
    timeline({
      title: 'Hooks',
      description:
        'Whether each hook is attached, on every chosen collector that has it. What a missing one feeds is absent.',
      unit: 'none',
      width: 10,
      query: { legend: '{{hook}}', expr: `min by (hook) (${fleet.gauge('forktax_hook_attached')})` },
      states: { 0: { text: 'missing', color: ALERT }, 1: { text: 'attached', color: GOOD } },
    }),
  ];
}

function losses() {
  return [
    graph({
      title: 'Missed per second, by what',
      description: LOSSES.map(({ legend, meaning }) => `${legend}: ${meaning}`).join(' '),
      unit: 'short',
      width: 8,
      queries: LOSSES.map(({ name, legend }) => ({ legend, expr: fleet.rate(name) })),
    }),
    graph({
      title: 'Folded into "(other)" per second',
      description:
        'Costs and failures that had no row of their own, and idle rows that made room. Sums stay whole; only names are lost.',
      unit: 'short',
      width: 8,
      queries: [
        { legend: 'costs', expr: fleet.rate('forktax_table_folded_total') },
        { legend: 'failures', expr: fleet.rate('forktax_failures_folded_total') },
        { legend: 'idle rows', expr: fleet.rate('forktax_table_evicted_total') },
      ],
    }),
    graph({
      title: 'Events lost or left out per second',
      description:
        'The ring was full; a reader was too slow, and skipped; or did not read, and was disconnected. Metrics lose nothing.',
      unit: 'short',
      width: 8,
      queries: [
        { legend: 'ring full', expr: fleet.rate('forktax_events_lost_total') },
        { legend: 'skipped', expr: fleet.rate('forktax_events_skipped_total') },
        { legend: 'readers dropped', expr: fleet.rate('forktax_event_clients_dropped_total') },
      ],
    }),
    graph({
      title: 'Table of spawn costs: rows in use',
      description: 'Of --max-spawners. The dashed line is where ForktaxTableFull begins; beyond, idle rows make room.',
      unit: 'percentunit',
      width: 12,
      max: 1,
      alertAt: TABLE_FULL_RATIO,
      queries: [{ legend: '{{instance}}', expr: tableUse }],
    }),
    graph({
      title: 'Followed just now',
      description:
        'Calls under way, and processes followed until their exec, exit or faults. Their tables are bounded.',
      unit: 'short',
      width: 12,
      queries: [
        { legend: 'calls', expr: `sum(${fleet.gauge('forktax_calls_tracked')})` },
        { legend: 'processes', expr: `sum(${fleet.gauge('forktax_processes_tracked')})` },
        { legend: 'readers of events', expr: `sum(${fleet.gauge('forktax_event_clients')})` },
      ],
    }),
  ];
}

function ownCost() {
  return [
    graph({
      title: 'CPU, by collector',
      description: 'Processors that the collector process uses: most of it is for scrapes.',
      unit: 'percentunit',
      width: 8,
      queries: [
        {
          legend: '{{instance}}',
          expr: `sum by (instance) (${CPU})`,
        },
      ],
    }),
    graph({
      title: 'Resident memory, by collector',
      description: 'Of the collector process. The tables in the kernel are not in it.',
      unit: 'bytes',
      width: 8,
      queries: [{ legend: '{{instance}}', expr: MEMORY }],
    }),
    graph({
      title: 'A scrape',
      description:
        'Time that Prometheus waited, and the part in which the collector read and rendered its tables: the slowest collector.',
      unit: 's',
      width: 8,
      queries: [
        { legend: 'whole', expr: `max(${fleet.ofCollectors(fleet.foreign('scrape_duration_seconds'))})` },
        { legend: 'reading and rendering', expr: `max(${fleet.gauge('forktax_scrape_duration_seconds')})` },
      ],
    }),
  ];
}

/** This row is folded, because it is empty without the kernel's statistics. */
function bpfPrograms() {
  const seconds = fleet.rate('forktax_probe_run_seconds_total', ['program']);
  const runs = fleet.rate('forktax_probe_runs_total', ['program']);
  return new RowBuilder('BPF programs (while sysctl kernel.bpf_stats_enabled is 1)')
    .collapsed(true)
    .withPanel(
      graph({
        title: 'CPU of the probes, by program',
        description:
          'Processors that each program uses, within the processes that spawn and fault. Needs kernel.bpf_stats_enabled.',
        unit: 'percentunit',
        width: 8,
        stacked: true,
        queries: [{ legend: '{{program}}', expr: seconds }],
      }),
    )
    .withPanel(
      graph({
        title: 'One run of a probe',
        description:
          'Mean time of a run, by program: what each spawn, exec, exit or fault pays. Needs kernel.bpf_stats_enabled.',
        unit: 's',
        width: 8,
        logarithmic: true,
        queries: [{ legend: '{{program}}', expr: `${seconds} / ${runs}` }],
      }),
    )
    .withPanel(
      graph({
        title: 'Runs skipped per second, by program',
        description:
          'The kernel skips a program that already runs on the same processor: what it would have counted is missing. Needs kernel.bpf_stats_enabled.',
        unit: 'short',
        width: 8,
        queries: [{ legend: '{{program}}', expr: fleet.rate('forktax_probe_runs_missed_total', ['program']) }],
      }),
    );
}
