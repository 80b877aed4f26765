/** The bpftrace engine with the kernel's statistics of its programs, which the engine itself does not know. */
import { execFileSync } from 'node:child_process';
import { openBpftraceEngine } from '../../collector/engine/bpftrace/engine.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../collector/model/options.ts';
import type { Engine } from '../../collector/model/engine.ts';

interface Program {
  readonly id: number;
  readonly type: string;
  readonly name?: string;
  /** Both are absent before the first run. */
  readonly run_time_ns?: number;
  readonly run_cnt?: number;
}

function tracepointPrograms(): readonly Program[] {
  const programs = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'list'], { encoding: 'utf8' })) as Program[];
  return programs.filter(({ type }) => type === 'tracepoint');
}

export async function openWithPrograms(): Promise<Engine> {
  const before = new Set(tracepointPrograms().map(({ id }) => id));
  const engine = await openBpftraceEngine(DEFAULT_ENGINE_OPTIONS);
  const own = new Set(tracepointPrograms().flatMap(({ id }) => (before.has(id) ? [] : id)));
  const snapshot = engine.snapshot.bind(engine);
  const programs = () =>
    Array.from(
      tracepointPrograms().filter(({ id }) => own.has(id)),
      ({ id, name = '', run_cnt: runs = 0, run_time_ns: runNs = 0 }) => ({
        // The programs for the tracepoints of one probe all have the same name.
        program: name === 'page_fault_user' ? name : `${name} ${id}`,
        runs,
        runNs,
        missed: 0,
      }),
    );
  return Object.assign(engine, { snapshot: () => ({ ...snapshot(), programs: programs() }) });
}
