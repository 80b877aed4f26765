/**
 * What the API answers, as schemas: `/api/v1/schema` and docs/api.md come from them. Names are in snake case and have the unit.
 * Fields may be added without a new version, so readers take what they do not know.
 */
import { z } from 'zod';
import { CALL_HOOKS } from '../../model/hooks.ts';
import { COLUMN_GROUPS, COST_COLUMNS, type CostColumnName } from '../../model/columns.ts';
import { snakeCase } from '../../model/names.ts';
import { NO_STACK } from '../../model/call-sites.ts';
import { STACK_ENDS } from '../../model/frames.ts';
import type { Health } from '../../model/snapshot.ts';
import { MECHANISMS, SYSCALLS } from '../../model/spawn.ts';

const count = z.int().min(0);
const countOf = (what: string) => count.describe(what);
const ns = countOf('nanoseconds');
const bytes = countOf('bytes');
const atMs = z.number().describe('milliseconds since the epoch');

const cgroup = z.object({
  cgroup: z.string().describe('its path below the mount of cgroup v2, or (unknown)'),
  unit: z.string().optional().describe('the unit of systemd'),
  container: z.object({ id: z.string(), runtime: z.string().optional() }).optional(),
  pod_uid: z.string().optional(),
  kubernetes: z.object({ namespace: z.string(), pod: z.string(), container: z.string().optional() }).optional(),
});

const key = {
  comm: z.string().describe('the name of the spawner; (other) and (evicted) are sums of several'),
  id: z.string().optional().describe('the cgroup id or pid, with --label cgroup or pid'),
};
const mechanism = z.enum(MECHANISMS);
const syscall = z.enum(SYSCALLS);

const histogram = z.object({
  counts: z.array(count).describe('the count of each slot, not cumulative: one more than there are bounds'),
  sum: countOf('nanoseconds or bytes'),
});

const COLUMN_HELP: Readonly<Record<CostColumnName, string>> = {
  spawns: 'spawns',
  stall: 'how long spawners waited in the spawning call',
  copyNs: 'the part of all stalls until the child existed',
  copiedRss: "the children's resident memory at their start",
  copiedPageTableBytes: "the children's page tables at their start",
  cowFaultsParent: 'copy-on-write faults of spawners after forks',
  cowFaultsChild: 'copy-on-write faults of children before their exec',
  cowFaultsParentNs: 'how long cow_faults_parent took',
  cowFaultsChildNs: 'how long cow_faults_child took',
  childFaults: 'page faults of children before their exec',
  execDelay: "from a child's start to its exec",
  lifetime: "from a child's start to its exit",
  siblingWait: 'how long other threads of spawners waited for the memory map while a fork copied it',
  execStallNs: 'the stall of spawns whose child called exec',
  execStalls: 'the number of spawns in exec_stall_ns',
  avoidableStallNs: 'what afork would have saved',
};

const columns = Object.fromEntries(
  Object.entries(COST_COLUMNS).map(([name, { kind, needs }]) => [
    snakeCase(name),
    (kind === 'counter' ? count : histogram)
      .optional()
      .describe(`${COLUMN_HELP[name as CostColumnName]}; needs ${needs.join(', ')}`),
  ]),
);

const engine = z.object({
  name: z.enum(['core', 'bpftrace', 'replay']),
  call_hook: z.enum(CALL_HOOKS).optional().describe('absent if nothing sees the spawning calls'),
  label: z.enum(['none', 'cgroup', 'pid']),
  hooks: z.array(
    z.object({
      name: z.string(),
      attached: z.boolean(),
      reason: z.string().optional().describe('why it is not attached'),
      columns: z.array(z.enum(COLUMN_GROUPS)),
    }),
  ),
  instead_of: z.object({ engine: z.string(), reason: z.string() }).optional(),
});

const HEALTH_HELP = {
  eventsLost: 'events that the ring buffer had no room for',
  rowsFolded: 'costs that found no row and were charged to (other)',
  failuresFolded: 'failures that found no row',
  callsUntracked: 'spawning calls that found no room, so their stall is unknown',
  processesUntracked: 'children and spawners that found no room, so what they did is unknown',
  siblingWaitsUntracked: 'waits of other threads that found no room, so how long they were is unknown',
  cowFaultsUntimed: 'copy-on-write faults that found no room, so how long they took is unknown',
  processesTracked: 'children that are followed until their exec and exit, and spawners after forks',
  callsTracked: 'threads in a spawning call, or remembered since their last one',
  processCapacity: 'room for processes_tracked, and as much again for calls_tracked',
  rowsEvicted: 'how often an idle row left the full table',
  tableRows: 'rows in the table',
  tableCapacity: 'room for rows',
} as const satisfies Readonly<Record<keyof Health, string>>;

const health = z.object(
  Object.fromEntries(Object.entries(HEALTH_HELP).map(([name, help]) => [snakeCase(name), countOf(help)])),
);

const program = z.object({
  program: z.string(),
  runs: count,
  run_ns: ns,
  missed: countOf('runs that the kernel skipped'),
});

const head = {
  schema: z.literal(1).describe('goes up when a field changes its meaning or goes'),
  version: z.string(),
  engine,
  absent: z
    .array(z.object({ column: z.enum(COLUMN_GROUPS), reason: z.string() }))
    .describe('groups of columns that no attached hook feeds; they are left out, not zero'),
};

const costs = z.object({
  ...head,
  bounds: z.record(z.string(), z.array(z.number())).describe('of histograms, by column: inclusive, ascending'),
  at_ms: atMs,
  rows: z.array(
    z.object({
      ...key,
      ...cgroup.partial().shape,
      mechanism,
      syscall,
      ...columns,
      slowest: z.object({ pid: count, stall_ns: ns, at_ms: atMs }).optional(),
      evicted: z.boolean().optional().describe('the row was idle and left the full table'),
    }),
  ),
  failures: z.array(
    z.object({
      ...key,
      ...cgroup.partial().shape,
      kind: z.enum(['spawn', 'exec']),
      syscall,
      errno: z.string().describe('such as ENOENT'),
      count,
    }),
  ),
  health,
  programs: z.array(program).describe('empty unless kernel.bpf_stats_enabled is on'),
});

const orNull = <T extends z.ZodType>(value: T) => value.nullable();
const idOrNull = z.string().nullable();

const pointRow = z
  .tuple([
    z.string(),
    idOrNull,
    mechanism,
    orNull(count),
    orNull(ns),
    orNull(ns),
    orNull(ns),
    orNull(bytes),
    orNull(bytes),
    orNull(count),
    orNull(count),
    orNull(z.array(count)),
    orNull(ns),
  ])
  .describe(
    'in the order of row_fields; null: not measured. stall_slots has pairs of a slot of the histogram and its count',
  );

const point = z.object({
  seq: countOf('the number of the point'),
  at_ms: atMs,
  span_ms: z.number().describe('the time since the point before'),
  rows_folded: countOf('spawners of that time that are summed up as (other)'),
  failures_folded: count,
  rows: z.array(pointRow),
  failures: z
    .array(z.tuple([z.enum(['spawn', 'exec']), z.string(), idOrNull, z.string(), count]))
    .describe('in the order of failure_fields'),
});

const collector = z.object({
  cpu_seconds: z.number(),
  resident_bytes: bytes,
  uptime_seconds: z.number(),
  history_bytes: bytes.describe('what the points take'),
  history_seconds: z.number().describe('the time that making points has taken'),
  history_interval_ms: z.number().describe('from point to point: more than 1000 if reading the tables takes long'),
  event_clients: count,
  event_clients_dropped: count,
  events_skipped: countOf('events that slow clients missed'),
  refusals: z.record(z.string(), count),
  log_lines_dropped: count,
});

const history = z.object({
  ...head,
  source: z.object({ restarts: count, down: z.string().optional() }).optional().describe('of the engine bpftrace'),
  sites: z.object({ needs: z.string().optional() }).describe('whether /api/v1/sites answers; needs: why it does not'),
  at_ms: atMs.optional(),
  health: health.optional(),
  programs: z.array(program).optional(),
  collector,
  started_ms: atMs.describe('when the history began; another value is another collector'),
  next_seq: countOf('ask for ?from=next_seq next time'),
  row_fields: z.array(z.string()),
  failure_fields: z.array(z.string()),
  stall_bounds_ns: z.array(z.number()),
  cgroups: z.record(z.string(), cgroup).optional().describe('by id, with --label cgroup'),
  points: z.array(point),
});

/** For how long `/api/v1/sites` can copy stacks. */
export const SITE_SECONDS = { least: 1, usual: 10, most: 60 } as const;

const siteCosts = {
  spawns: countOf('how many spawns'),
  failed_spawns: countOf('how many calls failed; nothing else counts them'),
  stall_sum_ns: countOf('nanoseconds that callers stood still'),
  copied_rss_bytes: countOf('resident bytes that were copied'),
  avoidable_stall_ns: countOf('the part of stall_sum_ns beyond the cost of afork, of spawns whose child called exec'),
};

const frame = z.object({
  function: z.string().optional(),
  file: z.string().optional().describe('the source file'),
  line: count.optional(),
  module: z.string().optional().describe('the mapped file; absent for scripts, and for code of no file'),
  build_id: z.string().optional(),
  offset: countOf('in the module, as addr2line takes it').optional(),
  address: z.string().optional().describe('in hexadecimal, only without a module'),
  inlined: z.literal(true).optional(),
  how: z.string().describe('how it was found; script: the script told it'),
});

const site = z.object({
  comm: z.string().describe('the name of the spawner'),
  ...siteCosts,
  end: z.string().describe(
    `complete, or why there are no more frames: ${Object.keys({ ...STACK_ENDS, ...NO_STACK })
      .slice(1)
      .join(', ')}`,
  ),
  frames: z.array(frame).describe('innermost first'),
});

const sites = z.object({
  schema: head.schema,
  version: z.string(),
  at_ms: atMs.describe('when it began, in milliseconds since the epoch'),
  ...siteCosts,
  duration_ns: ns,
  not_sampled: countOf('calls that have no stack'),
  over_limit: countOf('calls without one because there were more than stacks_per_second'),
  ring_full: countOf('calls without one because the buffer was full'),
  unreadable: countOf('calls without one because nothing of the stack was in memory'),
  scripts_lost: countOf('call sites of scripts that found no room or could not be read'),
  events_lost: countOf('events that the kernel dropped: with any, spawns are missing'),
  stacks_per_second: countOf('how many stacks are copied at most in a second'),
  scripts_unheard: z.string().optional().describe('why scripts could not tell their lines'),
  sites: z
    .array(site)
    .describe('the costliest first; those beyond 1000 are summed up for each spawner, with end "other"'),
});

const eventBase = {
  at_ms: atMs,
  pid: countOf('the pid of the spawner'),
  tid: countOf('the thread that called'),
  comm: z.string(),
  mechanism,
  syscall,
  cgroup: z.string().describe('the id of the cgroup of the spawner'),
};
const child = countOf('the pid of the child');

const event = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('spawn'),
    ...eventBase,
    child,
    stall_ns: ns.optional(),
    copy_ns: ns.optional(),
    sibling_wait_ns: ns.optional().describe("how long the spawner's other threads waited during the call, in sum"),
    copied_rss_bytes: bytes,
    copied_page_table_bytes: bytes,
  }),
  z.object({ kind: z.literal('spawn-failure'), ...eventBase, stall_ns: ns, errno: z.string() }),
  z.object({ kind: z.literal('exec'), ...eventBase, child, delay_ns: ns, file: z.string() }),
  z.object({ kind: z.literal('exec-failure'), ...eventBase, child, delay_ns: ns, file: z.string(), errno: z.string() }),
  z.object({
    kind: z.literal('exit'),
    ...eventBase,
    child,
    lifetime_ns: ns,
    status: count.describe('the exit status, or 128 + the signal'),
    exec_seen: z.boolean(),
  }),
]);

export type HistoryAnswer = z.infer<typeof history>;
export type SitesAnswer = z.infer<typeof sites>;
export type EventData = z.infer<typeof event>;

/** By the path that answers with it. */
export const API = {
  '/api/v1/costs': {
    name: 'costs',
    schema: costs,
    help: 'The table of spawn costs, in total since the collector started.',
  },
  '/api/v1/history': {
    name: 'history',
    schema: history,
    help: 'The last 15 minutes second by second, and the state of the collector. Not there with --web.disable-page.',
  },
  '/api/v1/sites': {
    name: 'sites',
    schema: sites,
    help: 'Which code spawns, by call stack. Not there without --web.enable-sites.',
  },
  '/api/v1/events': { name: 'event', schema: event, help: 'The data of each server-sent event.' },
} as const;

/** One document with a definition for each answer. */
export function jsonSchemas(): object {
  const definitions = Object.values(API).map(({ name, schema, help }) => {
    const { $schema: _, ...definition } = z.toJSONSchema(schema, { io: 'input' });
    return [name, { description: help, ...definition }] as const;
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The API of forktax',
    $defs: Object.fromEntries(definitions),
  };
}
