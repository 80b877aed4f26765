/** The dashboard about one spawner: how it spawns, what that costs it, what follows, what fails, and what afork would save. */
import { RowBuilder, type DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { FAILED } from '../shared/failures.ts';
import { dashboard } from './frame.ts';
import { UIDS } from '../shared/uids.ts';
import { toInstance } from './links.ts';
import { ALERT, GOOD, NOTICEABLE } from '../panels/colours.ts';
import { graph } from '../panels/graph.ts';
import { heatmap } from '../panels/heatmap.ts';
import { stat } from '../panels/stat.ts';
import { table } from '../panels/table.ts';
import { LARGE_FORK_BYTES, STALL_P99_NOTICEABLE_SECONDS, STALL_P99_SECONDS } from '../rules/thresholds.ts';
import { theRest } from '../shared/rest.ts';
import { oneSpawner as spawner } from '../shared/scopes.ts';

const GIB = 1 << 30;
const FORKS = 'mechanism="fork"';

const TELLING_BYTES = 16 << 20;

export function spawnerBoard(): DashboardBuilder {
  const board = dashboard({
    uid: UIDS.spawner,
    title: 'forktax / Spawner',
    description:
      'One program that spawns: how, what that costs it, what follows, what fails, and what afork would save.',
    comm: 'one',
  });
  for (const panel of [...atAGlance(), ...howItSpawns()]) board.withPanel(panel);
  board.withRow(new RowBuilder('What a spawn costs, and why'));
  for (const panel of costs()) board.withPanel(panel);
  board.withRow(new RowBuilder('What follows'));
  for (const panel of aftermath()) board.withPanel(panel);
  board.withRow(new RowBuilder('What fails, and where'));
  for (const panel of trouble()) board.withPanel(panel);
  return board;
}

const spawns = spawner.rate('forktax_spawns_total');
const stall = spawner.rateOf('sum', 'forktax_spawn_stall_seconds');
const copy = spawner.rate('forktax_spawn_copy_seconds_total');
const avoidable = spawner.rate('forktax_avoidable_stall_seconds_total');
const forks = spawner.rate('forktax_spawns_total', [], [FORKS]);
const rssOfForks = rssOf([]);

type By = readonly 'instance'[];

/** The mean resident memory at a fork. */
function rssOf(by: By): string {
  const count = spawner.rateOf('count', 'forktax_spawn_copied_rss_bytes', by, [FORKS]);
  return `${spawner.rateOf('sum', 'forktax_spawn_copied_rss_bytes', by, [FORKS])} / ${count}`;
}

/** The time to copy 1 GiB. Forks of small processes are left out, because other work takes most of their time. */
function copyPerGib(by: By): string {
  const copied = spawner.rate('forktax_spawn_copy_seconds_total', by, [FORKS]);
  const bytes = spawner.rateOf('sum', 'forktax_spawn_copied_rss_bytes', by, [FORKS]);
  return `${copied} / (${bytes} / ${GIB}) and ${rssOf(by)} > ${TELLING_BYTES}`;
}

function atAGlance() {
  return [
    stat({
      title: 'Spawns per second',
      description: 'Processes that it makes per second.',
      unit: 'short',
      width: 4,
      queries: [{ legend: 'spawns', expr: spawns }],
    }),
    stat({
      title: 'Stood still, per second',
      description: 'Time per second that its threads stood still in spawning calls.',
      unit: 's',
      width: 4,
      queries: [{ legend: 'stall', expr: stall }],
    }),
    stat({
      title: 'Stall, 99th percentile',
      description: `One call in a hundred stands still at least so long. Orange from ${STALL_P99_NOTICEABLE_SECONDS} s, red where ForktaxStallHigh begins.`,
      unit: 's',
      width: 4,
      queries: [{ legend: 'p99', expr: spawner.quantile(0.99, 'forktax_spawn_stall_seconds') }],
      steps: [
        [null, GOOD],
        [STALL_P99_NOTICEABLE_SECONDS, NOTICEABLE],
        [STALL_P99_SECONDS, ALERT],
      ],
    }),
    stat({
      title: 'Memory of a fork',
      description: 'Mean resident memory at a fork. Orange from the size where ForktaxLargeFork begins.',
      unit: 'bytes',
      width: 4,
      noValue: 'no forks',
      queries: [{ legend: 'copied', expr: rssOfForks }],
      steps: [
        [null, GOOD],
        [LARGE_FORK_BYTES, NOTICEABLE],
      ],
    }),
    stat({
      title: 'Copying 1 GiB takes',
      description:
        'Time that a fork takes to duplicate each GiB of resident memory. Only where forks copy more than 16 MiB each.',
      unit: 's',
      width: 4,
      noValue: 'no large forks',
      queries: [{ legend: 'per GiB', expr: copyPerGib([]) }],
    }),
    stat({
      title: 'Avoidable stall',
      description: 'Share of the stall that is beyond what an afork costs, of spawns whose child went on to exec.',
      unit: 'percentunit',
      width: 4,
      queries: [{ legend: 'avoidable', expr: `${avoidable} / ${stall}` }],
    }),
  ];
}

function howItSpawns() {
  return [
    graph({
      title: 'Spawns per second, by mechanism and call',
      description:
        'Which mechanism it uses, and by which system call: vfork by clone3 is glibc, as posix_spawn, system or popen.',
      unit: 'short',
      width: 8,
      stacked: true,
      queries: [
        {
          legend: '{{mechanism}} by {{syscall}}',
          expr: spawner.rate('forktax_spawns_total', ['mechanism', 'syscall']),
        },
      ],
    }),
    graph({
      title: 'Stall: median and 99th percentile',
      description:
        'Of one call. The dots are single slow spawns, with their pid; the dashed line is where ForktaxStallHigh begins.',
      unit: 's',
      width: 8,
      logarithmic: true,
      alertAt: STALL_P99_SECONDS,
      queries: [
        { legend: 'p50', expr: spawner.quantile(0.5, 'forktax_spawn_stall_seconds') },
        { legend: 'p99', expr: spawner.quantile(0.99, 'forktax_spawn_stall_seconds'), exemplars: true },
      ],
    }),
    heatmap({
      title: 'How long spawns stand still',
      description:
        'Every spawn, by its stall: the darker, the more. Two bands are two mechanisms, or two sizes of memory.',
      unit: 's',
      width: 8,
      height: 8,
      expr: spawner.heatmap('forktax_spawn_stall_seconds'),
      exemplars: true,
    }),
  ];
}

function costs() {
  const stalls = spawner.rateOf('count', 'forktax_spawn_stall_seconds');
  return [
    graph({
      title: 'A mean spawn: copy and wait',
      description:
        'copy: until the child exists, in which a fork duplicates the address space. wait: the rest; of a vfork, until the child has exec’d.',
      unit: 's',
      width: 8,
      stacked: true,
      queries: [
        { legend: 'wait', expr: `(${stall} - ${copy}) / ${stalls}` },
        { legend: 'copy', expr: `${copy} / ${stalls}` },
      ],
    }),
    graph({
      title: 'Stall of a fork, against the memory that it copies',
      description: 'Where both rise together, the process grows, and each fork becomes dearer.',
      unit: 's',
      width: 8,
      queries: [
        {
          legend: 'mean stall of a fork',
          expr: `${spawner.rateOf('sum', 'forktax_spawn_stall_seconds', [], [FORKS])} / ${spawner.rateOf('count', 'forktax_spawn_stall_seconds', [], [FORKS])}`,
        },
        { legend: 'resident memory', expr: rssOfForks },
      ],
      onTheRight: { legend: 'resident memory', unit: 'bytes' },
    }),
    graph({
      title: 'Copying 1 GiB, by collector',
      description:
        'Time that a fork takes for each GiB of resident memory: some 10 ms on small pages, less on huge ones, more where memory is short or the host is shared.',
      unit: 's',
      width: 8,
      queries: [
        {
          legend: '{{instance}}',
          expr: copyPerGib(['instance']),
        },
      ],
    }),
  ];
}

function aftermath() {
  return [
    graph({
      title: 'Page faults of a fork',
      description:
        'Copy-on-write faults, in which the kernel copies a page: of the parent after a fork, and of the child before its exec; and all faults of the child until then. Absent on arm64.',
      unit: 'short',
      width: 8,
      queries: [
        {
          legend: '{{role}}',
          expr: `${spawner.rate('forktax_cow_faults_total', ['role'])} / on () group_left () ${forks}`,
        },
        {
          legend: 'all faults of a child',
          expr: `${spawner.rate('forktax_child_page_faults_total', [], [FORKS])} / ${forks}`,
        },
      ],
    }),
    graph({
      title: 'Exec delay: median and 99th percentile',
      description:
        'Time from the start of a child to its successful exec. It includes the set-up of the child, the search along $PATH, and waiting for a CPU. Empty unless the collector runs with --metrics=all, or with exec-delay among them.',
      unit: 's',
      width: 8,
      logarithmic: true,
      queries: [
        { legend: 'p50', expr: spawner.quantile(0.5, 'forktax_exec_delay_seconds') },
        { legend: 'p99', expr: spawner.quantile(0.99, 'forktax_exec_delay_seconds') },
      ],
    }),
    graph({
      title: 'Lifetime: median and 99th percentile',
      description:
        'Time from the start of a child to its exit. Children that live for milliseconds cost more to start than to run: use one that stays. Empty unless the collector runs with --metrics=all, or with lifetime among them.',
      unit: 's',
      width: 8,
      logarithmic: true,
      queries: [
        { legend: 'p50', expr: spawner.quantile(0.5, 'forktax_child_lifetime_seconds') },
        { legend: 'p99', expr: spawner.quantile(0.99, 'forktax_child_lifetime_seconds') },
      ],
    }),
    graph({
      title: 'Who stands still, of each second',
      description:
        'The thread that spawns; the other threads of its process: while a fork copies, none of them can map memory or fault; and after the fork, whoever of them writes to a page first. The second is absent below Linux 5.19. The third needs --metrics=cow-time, and a kernel with fexit.',
      unit: 's',
      width: 24,
      queries: [
        { legend: 'the calling threads', expr: stall },
        { legend: 'other threads', expr: spawner.rate('forktax_sibling_stall_seconds_total') },
        {
          legend: 'copy-on-write faults',
          expr: spawner.rate('forktax_cow_fault_seconds_total', [], ['role="parent"']),
        },
      ],
    }),
  ];
}

function trouble() {
  return [
    graph({
      title: 'Failed execs per second, by error',
      description:
        'ENOENT once for each folder of $PATH that has no such program is usual. EACCES, ENOEXEC, E2BIG and ENOMEM are not.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{errno}}', expr: spawner.rate('forktax_exec_failures_total', ['errno']) }],
    }),
    graph({
      title: 'Failed spawns per second, by error',
      description: 'EAGAIN: a limit of processes. ENOMEM: no memory, or none that may be promised to the child.',
      unit: 'short',
      width: 8,
      queries: [{ legend: '{{errno}}', expr: spawner.rate('forktax_spawn_failures_total', ['errno'], [FAILED]) }],
    }),
    graph({
      title: 'Stall, and what afork would leave of it',
      description:
        'Of each second: the stall beyond what an afork costs, of spawns whose child went on to exec, and the rest.',
      unit: 's',
      width: 8,
      stacked: true,
      queries: [
        { legend: 'the rest', expr: theRest(stall, avoidable) },
        { legend: 'avoidable by afork', expr: avoidable },
      ],
    }),
    table({
      title: 'Where it runs',
      description:
        'The collectors that see this spawner, by the time that it stands still. A click on one leaves out the others.',
      width: 24,
      height: 6,
      keys: [{ label: 'instance', name: 'Collector', link: toInstance }],
      columns: [
        { name: 'Stood still /s', unit: 's', expr: spawner.rateOf('sum', 'forktax_spawn_stall_seconds', ['instance']) },
        {
          name: 'of it avoidable',
          unit: 's',
          expr: spawner.rate('forktax_avoidable_stall_seconds_total', ['instance']),
        },
        { name: 'Spawns /s', unit: 'short', expr: spawner.rate('forktax_spawns_total', ['instance']) },
        { name: 'Stall p99', unit: 's', expr: spawner.quantile(0.99, 'forktax_spawn_stall_seconds', ['instance']) },
        {
          name: 'Copied /s',
          unit: 'binBps',
          expr: spawner.rateOf('sum', 'forktax_spawn_copied_rss_bytes', ['instance']),
        },
        { name: 'Failed execs /s', unit: 'short', expr: spawner.rate('forktax_exec_failures_total', ['instance']) },
      ],
    }),
  ];
}
