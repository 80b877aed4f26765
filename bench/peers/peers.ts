/** The tools that see spawns: how each is started, what it tells, and how many spawns of a load it has reported. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CallHook } from '../../collector/model/hooks.ts';
import type { Truth } from '../../native/spawnload/spawnload.ts';
import { BPFTRACE, BPFTRACE_SCRIPT, NOTHING, serveWith, type RunningTool } from '../overhead/tools.ts';
import type { Unpacked } from '../overhead/packages.ts';

export interface Peer {
  readonly name: string;
  /** Whether it tells how long the caller stood still. */
  readonly stall: boolean;
  readonly tells: string;
  /** `pid` is the spawner's: some tools watch only processes that they are told. Absent: nothing runs. */
  readonly command?: (pid: number) => readonly string[];
  readonly ready: RegExp;
  /** Gives how many of the spawns were reported. It may end the tool. */
  readonly reported: (tool: RunningTool, truth: Truth) => Promise<number>;
}

type Count = (output: string, truth: Truth) => number;

/** Counts in all that the tool has written until its end. */
const inOutput =
  (count: Count): Peer['reported'] =>
  async (tool, truth) =>
    count(await tool.stop(), truth);

const lines = (output: string, pattern: string): number => [...output.matchAll(new RegExp(pattern, 'gm'))].length;
/** Lines with the argument that the children of this load have. */
const ofArgument: Count = (output, { comm }) => lines(output, ` --exit-now ${comm}$`);
/** The calls in a table of system calls. `pattern` gives their number, and how many of them had an error. */
const inTable =
  (pattern: RegExp): Count =>
  (output) =>
    [...output.matchAll(pattern)].reduce((sum, [, calls, errors = 0]) => sum + Number(calls) - Number(errors), 0);
const PERF_TABLE = /^\s*(?:vfork|clone3?|fork)\s+(\d+)/gm;
const STRACE_TABLE = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+(\d+))?\s+(?:vfork|clone3?|fork)$/gm;

async function inMetrics(tool: RunningTool, { comm }: Truth): Promise<number> {
  const url = /url=(\S+)/.exec(tool.output())?.[1] ?? '';
  const text = await (await fetch(new URL('/metrics', url))).text();
  const counts = [...text.matchAll(/^forktax_spawns_total\{(.*)\} (\d+)$/gm)];
  return counts.reduce((sum, [, labels = '', n]) => sum + (labels.includes(`comm="${comm}"`) ? Number(n) : 0), 0);
}

const READY_CHECK = /ready-check/;
const ALL_SPAWNS = ['fork', 'vfork', 'clone', 'clone3'];
const perCall = (probe: (call: string) => string): string => ALL_SPAWNS.map(probe).join('');
const STALL_HISTOGRAMS = perCall(
  (call) => `
tracepoint:syscalls:sys_enter_${call} { @start[tid] = nsecs; }
tracepoint:syscalls:sys_exit_${call} /@start[tid]/ {
  if (args->ret > 0) { @stall[comm] = hist(nsecs - @start[tid]); @spawns[pid] = count(); }
  delete(@start[tid]);
}`,
);
const SPAWNS_ONLY = 'tracepoint:sched:sched_process_fork { @spawns[pid] = count(); }';
const inBpftraceMap: Count = (output, { pid }) =>
  Number(new RegExp(`^@spawns\\[${pid}\\]: (\\d+)`, 'm').exec(output)?.[1]);

const nobody = (name: string): Peer => ({
  name,
  stall: false,
  tells: '',
  ready: /^/,
  reported: () => Promise.resolve(0),
});

/** `folder` is for files of the tools. */
export function peersFrom(unpacked: Unpacked, folder: string, callHook: CallHook): readonly Peer[] {
  const serve = serveWith(callHook);
  const forktax = serve.command?.[0] ?? '';
  return [
    nobody(NOTHING.name),
    nobody('nothing, once more'),
    {
      ...serve,
      stall: true,
      tells:
        'histograms for each spawner and mechanism: stall, copied memory, exec delay, lifetime; CoW faults, failures',
      command: () => serve.command ?? [],
      reported: inMetrics,
    },
    {
      name: 'forktax snoop --json',
      stall: true,
      tells: 'the same for each spawn',
      command: () => [forktax, 'snoop', '--engine=core', '--json'],
      ready: READY_CHECK,
      reported: inOutput((output, { pid }) => lines(output, `"type":"spawn",.*"pid":${pid},`)),
    },
    {
      name: 'bpftrace, histograms of the stall',
      stall: true,
      tells: 'a histogram of the stall for each name',
      command: () => ['bpftrace', '-e', `BEGIN { printf("attached\\n"); }${STALL_HISTOGRAMS}`],
      ready: /attached/,
      reported: inOutput(inBpftraceMap),
    },
    {
      name: 'bpftrace, a line for each spawn',
      stall: true,
      tells: 'name, pid, child and stall of each spawn',
      command: () => [...BPFTRACE, '-e', BPFTRACE_SCRIPT],
      ready: READY_CHECK,
      reported: inOutput((output, { comm, pid }) => lines(output, `^${comm} ${pid} [1-9]\\d* `)),
    },
    {
      name: 'perf trace -a, spawning calls only',
      stall: true,
      tells: 'name, pid, child and stall of each spawn',
      command: () => ['perf', 'trace', '-a', '-e', ALL_SPAWNS.join()],
      ready: READY_CHECK,
      reported: inOutput((output, { comm, pid }) => lines(output, `${comm}/${pid} .*= [1-9]\\d*`)),
    },
    {
      name: 'perf trace -s, of the spawner',
      stall: true,
      tells: 'number, mean, least and most of each system call',
      command: (pid) => ['perf', 'trace', '-s', '-p', String(pid)],
      ready: /^/,
      reported: inOutput(inTable(PERF_TABLE)),
    },
    {
      name: 'strace -c -f, of the spawner',
      stall: true,
      tells: 'number and sum of each system call, of spawner and children together',
      command: (pid) => ['strace', '-c', '-f', '-w', '-p', String(pid)],
      ready: /attached/,
      reported: inOutput(inTable(STRACE_TABLE)),
    },
    {
      name: 'libbpf-tools’ syscount -L, of the spawner',
      stall: true,
      tells: 'number and sum of each system call',
      command: (pid) => [...unpacked('usr/sbin/syscount'), '-L', '-p', String(pid)],
      ready: /^/,
      reported: inOutput(inTable(PERF_TABLE)),
    },
    {
      name: 'bpftrace, a count of spawns',
      stall: false,
      tells: 'the number of spawns of each pid, with threads',
      command: () => ['bpftrace', '-e', `BEGIN { printf("attached\\n"); }${SPAWNS_ONLY}`],
      ready: /attached/,
      reported: inOutput(inBpftraceMap),
    },
    {
      name: 'bpftrace’s execsnoop.bt',
      stall: false,
      tells: 'pid and arguments of each exec',
      command: () => [...BPFTRACE, '/usr/sbin/execsnoop.bt'],
      ready: READY_CHECK,
      reported: inOutput(ofArgument),
    },
    {
      name: 'libbpf-tools’ execsnoop',
      stall: false,
      tells: 'name, pid, parent, result and arguments of each exec',
      command: () => unpacked('usr/sbin/execsnoop'),
      ready: READY_CHECK,
      reported: inOutput((output, { pid }) => lines(output, `^\\S+ +\\d+ +${pid} +0 `)),
    },
    {
      name: 'libbpf-tools’ exitsnoop',
      stall: false,
      tells: 'name, pid, parent, age and exit code of each process that ends',
      command: () => unpacked('usr/sbin/exitsnoop'),
      ready: /spawnload/,
      reported: inOutput((output, { pid }) => lines(output, `^\\S+ +\\d+ +${pid} `)),
    },
    {
      name: 'auditd, a rule for execve',
      stall: false,
      tells: 'user, session, pid, parent, result and arguments of each exec',
      command: () => ['sh', auditScript(folder), unpacked('sbin').at(-1) ?? '', unpacked('sbin')[1] ?? ''],
      ready: /audit rule is set/,
      reported: inOutput((output, { pid }) => lines(output, `^type=SYSCALL .* success=yes .* ppid=${pid} `)),
    },
    {
      name: 'bcc’s execsnoop',
      stall: false,
      tells: 'name, pid, parent, result and arguments of each exec',
      command: () => ['execsnoop-bpfcc'],
      ready: READY_CHECK,
      reported: inOutput(ofArgument),
    },
    {
      name: 'sysdig',
      stall: true,
      tells: 'each system call',
      command: () => [...unpacked('usr/bin/sysdig'), 'evt.type in (fork, vfork, clone, clone3)'],
      ready: READY_CHECK,
      reported: inOutput((output, { pid }) => lines(output, `\\(${pid}\\) < .*res=[1-9]`)),
    },
  ];
}

/**
 * Writes a script that runs auditd with one rule until Ctrl-C, then removes the rule and prints the log. Its arguments are the
 * folder of the programs, and LD_LIBRARY_PATH=... .
 */
function auditScript(folder: string): string {
  const [script, settings, log] = [join(folder, 'audit.sh'), join(folder, 'auditd.conf'), join(folder, 'audit.log')];
  const configuration = { log_file: log, log_group: 'root', log_format: 'RAW', flush: 'NONE', max_log_file: 500 };
  const full = {
    max_log_file_action: 'IGNORE',
    space_left: 75,
    space_left_action: 'IGNORE',
    disk_full_action: 'IGNORE',
  };
  const settingLines = Object.entries({ ...configuration, ...full, write_logs: 'yes', name_format: 'NONE' });
  writeFileSync(settings, settingLines.map(([name, value]) => `${name} = ${value}\n`).join(''), { mode: 0o640 });
  writeFileSync(
    script,
    `export "$2"
rule='-F arch=b64 -S execve'
"$1/auditctl" -s | grep -q '^enabled 0' || { echo 'error: this host uses audit, and a second auditd would disturb it'; exit 1; }
backlog=$("$1/auditctl" -s | sed -n 's/^backlog_limit //p')
rm -f ${log}
"$1/auditd" -n -c ${folder} & auditd=$!
finish() {
	"$1/auditctl" -d always,exit $rule
	"$1/auditctl" -s
	"$1/auditctl" -e 0
	"$1/auditctl" -b "$backlog"
	kill $auditd
	wait $auditd
	cat ${log}
	exit
}
sleep 1
trap 'finish "$1"' INT
"$1/auditctl" -b 8192 && "$1/auditctl" -a always,exit $rule && echo the audit rule is set || finish "$1"
wait $auditd
`,
  );
  return script;
}
