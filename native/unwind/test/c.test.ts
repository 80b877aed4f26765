import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Frame } from '../../../collector/model/frames.ts';
import { compileChain, names, OPTIMIZED, unwindSpawn, Workshop } from './catch.ts';

const workshop = new Workshop();
const chain = compileChain(workshop);
const places = workshop.compile('places', 'gcc', ...OPTIMIZED, '-pthread', 'places.c');
after(() => workshop[Symbol.dispose]());

/** Without libc's own functions around the spawning call, which differ between its versions, and before main. */
function own(frames: readonly Frame[]): string[] {
  return frames.filter(({ module }) => module?.startsWith(workshop.folder)).map(({ symbol }) => symbol ?? '?');
}

for (const [how, caller] of [
  ['fork', 'by_fork'],
  ['vfork', 'by_vfork'],
  ['posix_spawn', 'by_posix_spawn'],
] as const)
  test(`${how}: from libc through a function pointer and a shared library to _start`, async () => {
    const unwound = await unwindSpawn([chain, how]);
    assert.equal(unwound.end, 'complete');
    assert.deepEqual(own(unwound.frames), [caller, 'spawn', 'middle', 'outer', 'main', '_start']);
    assert.equal(unwound.frames[0]?.how, 'registers');
    assert.match(unwound.frames[0]?.module ?? '', /libc\.so/);
  });

test('a stack that goes on beyond what was copied has the frames up to there', async () => {
  const whole = await unwindSpawn([chain, 'fork', '100']);
  const part = await unwindSpawn([chain, 'fork', '100'], { stackBytes: 2048 });
  assert.equal(whole.end, 'complete');
  assert.equal(names(whole).filter((name) => name === 'outer').length, 100);
  assert.equal(part.end, 'stack-too-short');
  assert.deepEqual(names(part), names(whole).slice(0, part.frames.length));
  assert.ok(part.frames.length > 10);
});

test('no more frames than wanted', async () => {
  const unwound = await unwindSpawn([chain, 'fork', '100'], { maxFrames: 20 });
  assert.equal(unwound.end, 'too-many-frames');
  assert.equal(unwound.frames.filter(({ inlined }) => inlined !== true).length, 20);
});

test('a signal handler: the chain goes on where the signal came, between two instructions', async () => {
  const unwound = await unwindSpawn([places, 'signal']);
  assert.equal(unwound.end, 'complete');
  const chained = ['spawn', 'handler', 'interrupted', 'fault_with', 'main', '_start'];
  assert.deepEqual(own(unwound.frames), chained);
  // Its name, __restore_rt, is known only with libc's debug symbols. Other architectures return through the vDSO.
  const trampoline = unwound.frames[unwound.frames.findIndex(({ symbol }) => symbol === 'handler') + 1];
  assert.match(trampoline?.module ?? '', process.arch === 'x64' ? /libc\.so/ : /./);
});

test('a signal handler that interrupted the vdso, which is mapped from no file', async () => {
  const unwound = await unwindSpawn([workshop.compile('vdso', 'gcc', ...OPTIMIZED, 'vdso.c')]);
  assert.equal(unwound.end, 'complete');
  assert.deepEqual(own(unwound.frames), ['handler', 'read_clock', 'main', '_start']);
  const inVdso = unwound.frames.filter(({ module }) => module === '[vdso]').map(({ symbol }) => symbol ?? '');
  assert.ok(
    inVdso.some((name) => /clock_gettime/.test(name)),
    inVdso.join(),
  );
});

test('a signal handler on a stack of its own: the other stack was not copied, and that is told', async () => {
  const unwound = await unwindSpawn([places, 'altstack']);
  assert.deepEqual(own(unwound.frames), ['spawn', 'handler', 'interrupted']);
  assert.ok(['stack-too-short', 'unreadable-memory'].includes(unwound.end), unwound.end);
});

test("a thread: to the thread's start in libc", async () => {
  const unwound = await unwindSpawn([places, 'thread']);
  assert.equal(unwound.end, 'complete');
  assert.deepEqual(own(unwound.frames), ['spawn', 'thread']);
  // start_thread and clone3, whose names are known only with libc's debug symbols.
  for (const frame of unwound.frames.slice(-2)) assert.match(frame.module ?? '', /libc\.so/);
});

test('a tail call: the function that jumped is in no stack, and none is invented', async () => {
  const unwound = await unwindSpawn([places, 'tail']);
  assert.equal(unwound.end, 'complete');
  assert.deepEqual(own(unwound.frames), ['spawn', 'in_tail_call', 'main', '_start']);
});
