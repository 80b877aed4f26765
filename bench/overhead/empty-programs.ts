/** Programs that do nothing (empty.bpf.c), with the kernel's statistics of them. */
import { loadNative } from '../../collector/system/native.ts';
import type { Watched } from './probe-cost.ts';

const OBJECT = 'build/bench/overhead/empty.bpf.o';

export function openEmptyPrograms(): Watched {
  const { BpfObject } = loadNative();
  const object = new BpfObject(OBJECT);
  object.load();
  for (const program of object.programs()) object.attach(program);
  const programs = () => object.programStats();
  const births = () => programs().find(({ program }) => program === 'task_newtask')?.runs ?? 0;
  return {
    snapshot: () => ({ programs: programs(), rows: [{ spawns: births() }] }),
    close: () => object.close(),
  };
}
