/**
 * Measures what a stall does not have: that the caller of a spawn, whose call has returned, is preempted before it runs on. The
 * child may do that, because the kernel wakes it in the call. npm run bench:run-delay.
 * It needs root and bpftrace, and asserts nothing. docs/overhead.md has results.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpus } from 'node:os';
import { runSpawnload } from '../native/spawnload/spawnload.ts';
import { scriptFlags } from '../testing/script-flags.ts';
import { table } from './overhead/markdown.ts';
import { BPFTRACE, startTool } from './overhead/tools.ts';

scriptFlags('npm run bench:run-delay', {});

const COUNT = 300;
const COMM = 'run-delay';
const CALLS = ['fork', 'vfork', 'clone', 'clone3'];
const MECHANISMS = ['fork', 'vfork', 'afork', 'posix_spawn'];

/** Looks at each caller from the exit of its call until its next system call. The lowest bits of a state are 0 if a thread could run. */
const SCRIPT = `BEGIN { printf("attached\\n"); }
${CALLS.map(
  (call) => `tracepoint:syscalls:sys_enter_${call} /comm == "${COMM}"/ { @began[tid] = nsecs; }
tracepoint:syscalls:sys_exit_${call} /@began[tid]/ {
  if (args->ret > 0) { @spawns = count(); @stall_ns = sum(nsecs - @began[tid]); @returned[tid] = nsecs; }
  delete(@began[tid]);
}`,
).join('\n')}
tracepoint:raw_syscalls:sys_enter /@returned[tid]/ { delete(@returned[tid]); }
tracepoint:sched:sched_switch /@off[args->next_pid]/ {
  @delay_ns = sum(nsecs - @off[args->next_pid]);
  delete(@off[args->next_pid]);
}
tracepoint:sched:sched_switch /@returned[args->prev_pid] && (args->prev_state & 0xff) == 0/ {
  @off[args->prev_pid] = nsecs;
  @preempted = count();
  if (args->next_comm == "${COMM}") { @by_child = count(); }
}
END { clear(@began); clear(@returned); clear(@off); }`;

interface Delays {
  readonly spawns: number;
  readonly stallNs: number;
  readonly preempted: number;
  readonly byChild: number;
  readonly delayNs: number;
}

async function measure(mechanism: string): Promise<Delays> {
  const tool = await startTool({ name: 'bpftrace', command: [...BPFTRACE, '-e', SCRIPT], ready: /attached/ });
  await runSpawnload(['--mechanism', mechanism, '--count', String(COUNT), '--comm', COMM]).catch(
    async (error: Error) => {
      await tool.stop();
      throw error;
    },
  );
  const output = await tool.stop();
  const value = (name: string) => Number(new RegExp(`^@${name}: (\\d+)`, 'm').exec(output)?.[1] ?? 0);
  const [spawns, stallNs, delayNs] = [value('spawns'), value('stall_ns'), value('delay_ns')];
  return { spawns, stallNs, delayNs, preempted: value('preempted'), byChild: value('by_child') };
}

/** Keeps CPUs busy, as other programs of a loaded host do. */
function startHogs(count: number): ChildProcess[] {
  return Array.from({ length: count }, () => spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }));
}

const CASES = [
  { name: 'nothing else', hogs: 0 },
  { name: 'a busy loop for each CPU', hogs: cpus().length },
];

function rowOf(name: string, mechanism: string, { spawns, stallNs, preempted, byChild, delayNs }: Delays): string[] {
  const [stallUs, delayUs] = [stallNs / spawns / 1000, delayNs / spawns / 1000];
  const counts = [spawns, preempted, byChild].map(String);
  return [name, mechanism, ...counts, stallUs.toFixed(0), delayUs.toFixed(1)];
}

async function main(): Promise<void> {
  const rows: string[][] = [];
  for (const { name, hogs } of CASES) {
    const busy = startHogs(hogs);
    try {
      for (const mechanism of MECHANISMS) {
        process.stderr.write(`${mechanism} beside ${name}\n`);
        rows.push(rowOf(name, mechanism, await measure(mechanism)));
      }
    } finally {
      for (const hog of busy) hog.kill('SIGKILL');
    }
  }
  const titles = ['spawns', 'preempted', 'by the child', 'mean stall, µs', 'mean delay, µs'];
  process.stdout.write(`${table(['beside', 'mechanism', ...titles], rows)}\n`);
}

await main();
