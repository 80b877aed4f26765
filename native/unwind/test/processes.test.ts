import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { STACK_ENDS } from '../../../collector/model/frames.ts';
import { builtFile } from '../../../collector/system/built-file.ts';
import { openUnwinder } from '../../../collector/system/unwinder.ts';
import { catchSpawn, compileChain, names, Workshop, type Caught } from './catch.ts';

const UNWIND = builtFile('native/unwind/build/unwind');
const workshop = new Workshop();
const chain = compileChain(workshop);
const unwinder = openUnwinder({ maxProcesses: 2 });
const caught: Caught[] = [];
after(async () => {
  unwinder.close();
  await Promise.all(caught.map(async (each) => await each.end()));
  workshop[Symbol.dispose]();
});

async function catchChain(): Promise<Caught> {
  const each = await catchSpawn([chain, 'fork']);
  caught.push(each);
  return each;
}

test('a process that was met resolves after its end; one that was not says so', async () => {
  const [met, unmet] = [await catchChain(), await catchChain()];
  unwinder.meet(met.sample.pid);
  const before = await unwinder.unwind(met.sample);
  await met.end();
  await unmet.end();
  const behind = await unwinder.unwind(met.sample);
  assert.equal(behind.end, 'complete');
  assert.deepEqual(names(behind), names(before));
  const gone = await unwinder.unwind(unmet.sample);
  assert.equal(gone.end, 'process-gone');
  assert.deepEqual(
    gone.frames.map(({ how }) => how),
    ['registers'],
  );
  unwinder.forget(met.sample.pid);
  assert.equal((await unwinder.unwind(met.sample)).end, 'process-gone');
});

test('only so many processes are remembered, those that were used last', async () => {
  const three = [await catchChain(), await catchChain(), await catchChain()];
  for (const { sample } of three) unwinder.meet(sample.pid);
  await unwinder.unwind(three[2]!.sample);
  await Promise.all(three.map(async (each) => await each.end()));
  const ends = [];
  for (const { sample } of three) ends.push((await unwinder.unwind(sample)).end);
  assert.deepEqual(ends, ['process-gone', 'complete', 'complete']);
});

test('many at a time are answered each with its own, and the samples stay as they are', async () => {
  const { sample } = await catchChain();
  const copy = Buffer.from(sample.stack);
  const short = { ...sample, stack: sample.stack.subarray(0, 200) };
  const ends = await Promise.all([sample, short, sample, short].map(async (each) => (await unwinder.unwind(each)).end));
  assert.deepEqual(ends, ['complete', 'stack-too-short', 'complete', 'stack-too-short']);
  assert.deepEqual(sample.stack, copy);
});

test('registers of a 32-bit program, or none at all, are told', async () => {
  const { sample } = await catchChain();
  const unwound = await unwinder.unwind({ ...sample, registers: new Uint8Array(16) });
  assert.deepEqual(unwound, { frames: [], end: 'unsupported' });
  assert.ok(unwound.end in STACK_ENDS);
});

test('a closed unwinder answers too', async () => {
  const { sample } = await catchChain();
  const own = openUnwinder();
  const pending = own.unwind(sample);
  own.close();
  assert.equal((await pending).end, 'failed');
  assert.equal((await own.unwind(sample)).end, 'failed');
});

test('it is ready when it has begun, and where it cannot', async () => {
  const [slow, mark] = [join(workshop.folder, 'slow'), join(workshop.folder, 'has-begun')];
  const script = `#!/bin/sh\n[ "$1" = --version ] || { sleep 0.1; : >'${mark}'; }\nexec '${UNWIND}' "$@"\n`;
  writeFileSync(slow, script, { mode: 0o755 });
  const late = openUnwinder({ program: slow });
  await late.ready();
  assert.equal(existsSync(mark), true);
  late.close();
  const ending = openUnwinder({ program: '/bin/true' });
  await ending.ready();
  ending.close();
});

test('without the program, or with one that cannot run, an error says what to do', () => {
  assert.throws(() => openUnwinder({ program: '/nonexistent' }), { code: 'FORKTAX_NO_UNWINDER', message: /not built/ });
  assert.throws(() => openUnwinder({ program: '/bin/false' }), { code: 'FORKTAX_NO_UNWINDER', message: /cannot run/ });
});
