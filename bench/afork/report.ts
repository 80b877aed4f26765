/** Writes the page about a run. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { judge } from './aims.ts';
import { GATE_MS } from './cases.ts';
import { renderLosses } from './losses.ts';
import type { Result } from './results.ts';
import { renderResults, renderVerdicts } from './table.ts';

/** The load average before the run. Other work on the machine is measured too. */
const [loadBefore = 0] = loadavg();

export function describeMachine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  const libc = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime;
  const virtual = readFileSync('/proc/cpuinfo', 'utf8').includes('hypervisor') ? ', virtual machine' : '';
  const software = `Linux ${release()}, glibc ${libc ?? 'none'}, Node ${process.versions.node}, libuv ${process.versions.uv}, load average before ${loadBefore.toFixed(1)}`;
  return `${cpus().length} × ${cpu?.model ?? process.arch}, ${memory}${virtual}, ${software}`;
}

export function renderReport(results: readonly Result[], options: string, date: string): string {
  return `# What spawning costs: benchmark of afork

Written by \`npm run bench:afork${options}\` on ${date}: ${describeMachine()}.

![Time the caller stands still](afork-bench.svg)

Times are p50 / p99 / max, in milliseconds, from the call; n is the number of spawns. Numbers of different machines, and
of different runs on a machine that has other work, cannot be compared. Ratios within a table can.

## Aims

${renderVerdicts(judge(results))}

"Possible" is the ratio to the floor of the same run: in C a bare \`clone(CLONE_VM)\`, and in Node a \`spawn()\` whose program is
missing, so that it creates no child. On this machine, no mechanism can reach an aim above that ratio.

## Where afork loses

These medians of other mechanisms were better by a fifth or more. The floors are left out.

${renderLosses(results)}

## C

${renderResults(results, 'C')}

## Node

${renderResults(results, 'Node')}

## How it is measured

- The child's program has no libc and one page of code. It reports when its first instruction ran, and exits. The next
  spawn begins when the one before has been waited for.
- Each process spawns by all mechanisms in random order; processes and cases are in random order too, and each case has
  several processes.
- Memory has been written once, by \`mmap()\` in C and in Buffers of up to 256 MB in Node, which are held to the end and not
  written again: what a real program pays for copies of pages after a \`fork()\` is not in these numbers.
- \`clone(CLONE_VM)\` is the floor, and nothing to use: it protects neither signals nor errno, and copies no arguments.
- Bare \`fork()\` and \`avfork()\` do not wait for the child's exec. Node's \`child_process\` (libuv up to 1.52) forks and then
  waits; "vfork stand-in" is this project's addon held to \`CLONE_VM | CLONE_VFORK\`, which is how libuv will spawn by
  \`posix_spawn()\`. It is not libuv itself.
- The exec gate is a fanotify listener that lets every exec of the program wait ${GATE_MS} ms, as a virus scanner does.
- Hogs are processes that never sleep. There \`afork\` may be later end to end than \`vfork\`, for its child must first get a
  CPU, while \`vfork\` hands over its own.
- In a Node process the time of \`spawn()\` includes Node's own JavaScript, three socket pairs, and (afork's strict mode)
  the look at the program. The event-loop delay is that of a timer of 1 ms, which is its floor.
- That each mechanism was the one meant is asserted, not assumed: a fallback ends the run.
`;
}
