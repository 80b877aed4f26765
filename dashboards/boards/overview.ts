/** The dashboard about the fleet: is anything wrong, how much is it, who pays, and what would help? */
import { RowBuilder, type DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard } from './frame.ts';
import { UIDS } from '../shared/uids.ts';
import { toSpawner } from './links.ts';
import { measuring, notMeasuring } from '../shared/measuring.ts';
import { alerts, ANY_IS_BAD } from '../panels/alerts.ts';
import { ALERT, colourOf, GOOD, NOTICEABLE } from '../panels/colours.ts';
import { graph } from '../panels/graph.ts';
import { heatmap } from '../panels/heatmap.ts';
import { stat } from '../panels/stat.ts';
import { table } from '../panels/table.ts';
import { SPAWN_FAILURE_RATIO, STALL_P99_NOTICEABLE_SECONDS, STALL_P99_SECONDS } from '../rules/thresholds.ts';
import { fleet, FROM_VARIABLES } from '../shared/scopes.ts';
import { failureRatio, FAILED } from '../shared/failures.ts';
import { theRest } from '../shared/rest.ts';

const TOP = 8;

export function overview(): DashboardBuilder {
  const board = dashboard({
    uid: UIDS.overview,
    title: 'forktax / Spawn overview',
    description: 'What making processes costs all hosts that forktax measures, who pays it, and what afork would save.',
    comm: 'many',
  });
  for (const panel of [...atAGlance(), ...overTime(), ...whoPays()]) board.withPanel(panel);
  board.withRow(new RowBuilder('Why: what the kernel copies'));
  for (const panel of causes()) board.withPanel(panel);
  board.withRow(new RowBuilder('What would help'));
  for (const panel of cure()) board.withPanel(panel);
  return board;
}

function atAGlance() {
  return [
    alerts(FROM_VARIABLES),
    collectors(),
    stat({
      title: 'Spawns per second',
      description: 'Processes made per second, by any mechanism.',
      unit: 'short',
      width: 3,
      queries: [{ legend: 'spawns', expr: fleet.rate('forktax_spawns_total') }],
    }),
    stat({
      title: 'Stood still, per second',
      description: 'Time per second that callers of fork, vfork, clone and clone3 stood still, all added up.',
      unit: 's',
      width: 4,
      queries: [{ legend: 'stall', expr: fleet.rateOf('sum', 'forktax_spawn_stall_seconds') }],
    }),
    stat({
      title: 'Stall, 99th percentile',
      description: `One call in a hundred stands still at least so long. Orange from ${STALL_P99_NOTICEABLE_SECONDS} s, red where ForktaxStallHigh begins.`,
      unit: 's',
      width: 4,
      queries: [{ legend: 'p99', expr: fleet.quantile(0.99, 'forktax_spawn_stall_seconds') }],
      steps: [
        [null, GOOD],
        [STALL_P99_NOTICEABLE_SECONDS, NOTICEABLE],
        [STALL_P99_SECONDS, ALERT],
      ],
    }),
    stat({
      title: 'Failed spawns',
      description:
        'Share of spawning calls that failed. Not counted: calls that a signal interrupted (ERESTARTNOINTR), which the kernel starts again.',
      unit: 'percentunit',
      width: 3,
      queries: [{ legend: 'failed', expr: failureRatio(fleet) }],
      steps: [
        [null, GOOD],
        [SPAWN_FAILURE_RATIO / 10, NOTICEABLE],
        [SPAWN_FAILURE_RATIO, ALERT],
      ],
    }),
    stat({
      title: 'Avoidable stall',
      description: 'Share of the stall that is beyond what an afork costs, of spawns whose child went on to exec.',
      unit: 'percentunit',
      width: 3,
      queries: [
        {
          legend: 'avoidable',
          expr: `${fleet.rate('forktax_avoidable_stall_seconds_total')} / ${fleet.rateOf('sum', 'forktax_spawn_stall_seconds')}`,
        },
      ],
    }),
  ];
}

function collectors() {
  return stat({
    title: 'Collectors',
    description: 'How many of the chosen collectors measure, and how many do not answer or cannot read their tables.',
    unit: 'none',
    width: 3,
    queries: [
      { legend: 'measuring', expr: measuring },
      { legend: 'not', expr: notMeasuring },
    ],
    steps: ANY_IS_BAD,
  }).overrideByName('measuring', [colourOf('text')]);
}

function overTime() {
  return [
    graph({
      title: 'Spawns per second, by mechanism',
      description:
        'fork copies the page tables of its process; vfork (posix_spawn, system, popen) waits for the exec of its child; afork does neither.',
      unit: 'short',
      width: 8,
      stacked: true,
      queries: [{ legend: '{{mechanism}}', expr: fleet.rate('forktax_spawns_total', ['mechanism']) }],
    }),
    graph({
      title: 'Stood still per second, by spawner',
      description: `The ${TOP} programs that stand still longest. Threads stand still side by side, so this can be more than a second.`,
      unit: 's',
      width: 8,
      stacked: true,
      queries: [
        { legend: '{{comm}}', expr: `topk(${TOP}, ${fleet.rateOf('sum', 'forktax_spawn_stall_seconds', ['comm'])})` },
      ],
    }),
    graph({
      title: 'Stall: median and 99th percentile',
      description:
        'Of all spawns. The dots are single slow spawns, with their pid; the dashed line is where ForktaxStallHigh begins.',
      unit: 's',
      width: 8,
      logarithmic: true,
      alertAt: STALL_P99_SECONDS,
      queries: [
        { legend: 'p50', expr: fleet.quantile(0.5, 'forktax_spawn_stall_seconds') },
        { legend: 'p99', expr: fleet.quantile(0.99, 'forktax_spawn_stall_seconds'), exemplars: true },
      ],
    }),
  ];
}

function whoPays() {
  return [
    table({
      title: 'Who pays',
      description: 'Spawners by the time that they stand still. A click on one leads to its dashboard.',
      width: 14,
      keys: [{ label: 'comm', name: 'Spawner', link: toSpawner }],
      columns: [
        { name: 'Stood still /s', unit: 's', expr: fleet.rateOf('sum', 'forktax_spawn_stall_seconds', ['comm']) },
        { name: 'of it avoidable', unit: 's', expr: fleet.rate('forktax_avoidable_stall_seconds_total', ['comm']) },
        { name: 'Spawns /s', unit: 'short', expr: fleet.rate('forktax_spawns_total', ['comm']) },
        { name: 'Stall p99', unit: 's', expr: fleet.quantile(0.99, 'forktax_spawn_stall_seconds', ['comm']) },
        { name: 'Copied /s', unit: 'binBps', expr: fleet.rateOf('sum', 'forktax_spawn_copied_rss_bytes', ['comm']) },
        { name: 'Failed execs /s', unit: 'short', expr: fleet.rate('forktax_exec_failures_total', ['comm']) },
      ],
    }),
    heatmap({
      title: 'How long spawns stand still',
      description: 'Every spawn, by its stall: the darker, the more. Two bands are two kinds of spawner.',
      unit: 's',
      width: 10,
      expr: fleet.heatmap('forktax_spawn_stall_seconds'),
      exemplars: true,
    }),
  ];
}

function causes() {
  return [
    graph({
      title: 'Memory copied per second, by spawner',
      description:
        'Resident memory of processes that fork. Its page tables are copied at once, which is the stall; its pages when either side writes to them.',
      unit: 'binBps',
      width: 8,
      stacked: true,
      queries: [
        {
          legend: '{{comm}}',
          expr: `topk(${TOP}, ${fleet.rateOf('sum', 'forktax_spawn_copied_rss_bytes', ['comm'])})`,
        },
      ],
    }),
    graph({
      title: 'Copy-on-write faults per second',
      description:
        'Write faults on pages that a fork left shared: in the parent after it, in the child before its exec. Absent on arm64, which has no hook for them.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{role}}', expr: fleet.rate('forktax_cow_faults_total', ['role']) }],
    }),
    graph({
      title: 'Failed spawns per second, by error',
      description:
        'Spawning calls that returned an error. EAGAIN: a limit of processes. ENOMEM: no memory, or none that may be promised to the child.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{errno}}', expr: fleet.rate('forktax_spawn_failures_total', ['errno'], [FAILED]) }],
    }),
  ];
}

function cure() {
  const stall = fleet.rateOf('sum', 'forktax_spawn_stall_seconds');
  const avoidable = fleet.rate('forktax_avoidable_stall_seconds_total');
  return [
    graph({
      title: 'Stall, and what afork would leave of it',
      description:
        'Of each second: the stall beyond what an afork costs, of spawns whose child went on to exec, and the rest.',
      unit: 's',
      width: 12,
      stacked: true,
      queries: [
        { legend: 'the rest', expr: theRest(stall, avoidable) },
        { legend: 'avoidable by afork', expr: avoidable },
      ],
    }),
    graph({
      title: 'afork against fork and vfork: the mean stall',
      description: 'Of one call, by mechanism. A mechanism that nobody uses has no line.',
      unit: 's',
      width: 12,
      logarithmic: true,
      queries: [
        {
          legend: '{{mechanism}}',
          expr: `${fleet.rateOf('sum', 'forktax_spawn_stall_seconds', ['mechanism'])} / ${fleet.rateOf('count', 'forktax_spawn_stall_seconds', ['mechanism'])}`,
        },
      ],
    }),
  ];
}
