/** The overview for a Prometheus that has only the series of recording rules: the one above the shards of a large fleet. */
import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { recordedDashboard } from './frame.ts';
import { UIDS } from '../shared/uids.ts';
import { alerts } from '../panels/alerts.ts';
import { ALERT, GOOD, NOTICEABLE } from '../panels/colours.ts';
import { graph } from '../panels/graph.ts';
import { heatmap } from '../panels/heatmap.ts';
import { stat } from '../panels/stat.ts';
import { table } from '../panels/table.ts';
import { FAILED } from '../shared/failures.ts';
import { recorded, recordedHeatmap, recordedQuantile } from './recorded.ts';
import { theRest } from '../shared/rest.ts';
import { STALL_P99_NOTICEABLE_SECONDS, STALL_P99_SECONDS } from '../rules/thresholds.ts';

const TOP = 8;
const SPAWNS = 'job_comm_mechanism:forktax_spawns:rate5m';
const STALL = 'job_comm_mechanism:forktax_spawn_stall_seconds_sum:rate5m';
const AVOIDABLE = 'job_comm:forktax_avoidable_stall_seconds:rate5m';
const COPIED = 'job_comm:forktax_spawn_copied_rss_bytes_sum:rate5m';
const EXEC_FAILURES = 'job_comm_errno:forktax_exec_failures:rate5m';

export function fleetBoard(): DashboardBuilder {
  const board = recordedDashboard({
    uid: UIDS.fleet,
    title: 'forktax / Fleet, recorded',
    description:
      'The spawn overview by recorded series only, for a Prometheus above those that scrape. It knows no instances.',
  });
  for (const panel of [...atAGlance(), ...overTime(), ...whoPays(), ...cure()]) board.withPanel(panel);
  return board;
}

function atAGlance() {
  return [
    alerts(['job=~"$job"']),
    stat({
      title: 'Collectors measuring',
      description: 'Collectors that can read their tables, in all chosen jobs.',
      unit: 'none',
      width: 4,
      queries: [{ legend: 'measuring', expr: recorded('job:forktax_up:sum') }],
    }),
    stat({
      title: 'Spawns per second',
      description: 'Processes made per second, by any mechanism.',
      unit: 'short',
      width: 4,
      queries: [{ legend: 'spawns', expr: recorded(SPAWNS) }],
    }),
    stat({
      title: 'Stood still, per second',
      description: 'Time per second that callers of fork, vfork, clone and clone3 stood still, all added up.',
      unit: 's',
      width: 4,
      queries: [{ legend: 'stall', expr: recorded(STALL) }],
    }),
    stat({
      title: 'Stall, 99th percentile',
      description: `Of all spawns of the fleet. Orange from ${STALL_P99_NOTICEABLE_SECONDS} s, red from ${STALL_P99_SECONDS} s.`,
      unit: 's',
      width: 4,
      queries: [{ legend: 'p99', expr: recordedQuantile(0.99) }],
      steps: [
        [null, GOOD],
        [STALL_P99_NOTICEABLE_SECONDS, NOTICEABLE],
        [STALL_P99_SECONDS, ALERT],
      ],
    }),
    stat({
      title: 'Avoidable stall',
      description: 'Share of the stall that is beyond what an afork costs, of spawns whose child went on to exec.',
      unit: 'percentunit',
      width: 4,
      queries: [{ legend: 'avoidable', expr: `${recorded(AVOIDABLE)} / ${recorded(STALL)}` }],
    }),
  ];
}

function overTime() {
  return [
    graph({
      title: 'Spawns per second, by mechanism',
      description:
        'fork copies page tables; vfork (posix_spawn, system, popen) waits for the exec; afork does neither.',
      unit: 'short',
      width: 8,
      stacked: true,
      queries: [{ legend: '{{mechanism}}', expr: recorded(SPAWNS, ['mechanism']) }],
    }),
    graph({
      title: 'Stood still per second, by spawner',
      description: `The ${TOP} programs that stand still longest, on all hosts together.`,
      unit: 's',
      width: 8,
      stacked: true,
      queries: [{ legend: '{{comm}}', expr: `topk(${TOP}, ${recorded(STALL, ['comm'])})` }],
    }),
    graph({
      title: 'Stall: median and 99th percentile',
      description:
        'Of all spawns of the fleet; the dashed line is where ForktaxStallHigh begins for one spawner on one host.',
      unit: 's',
      width: 8,
      logarithmic: true,
      alertAt: STALL_P99_SECONDS,
      queries: [
        { legend: 'p50', expr: recordedQuantile(0.5) },
        { legend: 'p99', expr: recordedQuantile(0.99) },
      ],
    }),
  ];
}

function whoPays() {
  return [
    table({
      title: 'Who pays',
      description:
        'Spawners by the time that they stand still, on all hosts together. The Prometheus that scrapes a host knows more.',
      width: 14,
      keys: [{ label: 'comm', name: 'Spawner' }],
      columns: [
        { name: 'Stood still /s', unit: 's', expr: recorded(STALL, ['comm']) },
        { name: 'of it avoidable', unit: 's', expr: recorded(AVOIDABLE, ['comm']) },
        { name: 'Spawns /s', unit: 'short', expr: recorded(SPAWNS, ['comm']) },
        { name: 'Stall p99', unit: 's', expr: recordedQuantile(0.99, ['comm']) },
        { name: 'Copied /s', unit: 'binBps', expr: recorded(COPIED, ['comm']) },
        { name: 'Failed execs /s', unit: 'short', expr: recorded(EXEC_FAILURES, ['comm']) },
      ],
    }),
    heatmap({
      title: 'How long spawns stand still',
      description: 'Every spawn, by its stall: the darker, the more. Two bands are two kinds of spawner.',
      unit: 's',
      width: 10,
      expr: recordedHeatmap(),
    }),
  ];
}

function cure() {
  return [
    graph({
      title: 'Stall, and what afork would leave of it',
      description:
        'Of each second: the stall beyond what an afork costs, of spawns whose child went on to exec, and the rest.',
      unit: 's',
      width: 12,
      stacked: true,
      queries: [
        { legend: 'the rest', expr: theRest(recorded(STALL), recorded(AVOIDABLE)) },
        { legend: 'avoidable by afork', expr: recorded(AVOIDABLE) },
      ],
    }),
    graph({
      title: 'Failed spawns per second, by error',
      description: 'EAGAIN: a limit of processes. ENOMEM: no memory, or none that may be promised to the child.',
      unit: 'short',
      width: 12,
      queries: [
        { legend: '{{errno}}', expr: recorded('job_comm_errno:forktax_spawn_failures:rate5m', ['errno'], [FAILED]) },
      ],
    }),
  ];
}
