import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { STACK_ENDS } from '../../../collector/model/frames.ts';
import { openUnwinder, type StackSample } from '../../../collector/system/unwinder.ts';
import { catchSpawn, compileChain, names, Workshop, type Caught } from './catch.ts';
import { makeSeeds, unwindMutants } from './mutants.ts';

/** More in the long form: FORKTAX_MUTANTS=10000. */
const MUTANTS = Number(process.env['FORKTAX_MUTANTS'] ?? 300);

const [workshop, other] = [new Workshop(), new Workshop()];
const unwinder = openUnwinder();
const caught: Caught[] = [];
after(async () => {
  unwinder.close();
  await Promise.all(caught.map(async (each) => await each.end()));
  workshop[Symbol.dispose]();
  other[Symbol.dispose]();
});

async function caughtIn(program: string): Promise<Caught> {
  const each = await catchSpawn([program, 'fork']);
  caught.push(each);
  return each;
}

test(`every stack in ${MUTANTS} damaged ELF files is answered`, { timeout: 3_600_000 }, async (context) => {
  const { ends, frames, named } = await unwindMutants(makeSeeds(workshop), MUTANTS);
  context.diagnostic([...ends].map(([end, count]) => `${end}: ${count}`).join(', '));
  assert.deepEqual(
    [...ends.keys()].filter((end) => !(end in STACK_ENDS)),
    [],
  );
  assert.ok(named > 0 && frames > named, 'the files are damaged, but not all that much');
});

test('an unwinder that a shrinking file kills is started again: only that stack is lost, and its process is left alone', async () => {
  const [chain, victim] = [compileChain(workshop), compileChain(other, '-g')];
  const [good, bad] = [(await caughtIn(chain)).sample, (await caughtIn(victim)).sample];
  const expected = await unwinder.unwind(good);
  assert.equal(expected.end, 'complete');
  await unwindUpTo('middle', bad);
  truncateSync(join(other.folder, 'libmiddle.so'), 4096);
  const all = await Promise.all([good, bad, good, bad, good].map(async (sample) => await unwinder.unwind(sample)));
  assert.deepEqual(all, [expected, { frames: [], end: 'failed' }, expected, { frames: [], end: 'failed' }, expected]);
  assert.equal((await unwinder.unwind(bad)).end, 'failed');
});

/** Unwinds a part of the stack that ends at the function of this name: the unwinder then has its library open. */
async function unwindUpTo(name: string, sample: StackSample): Promise<void> {
  for (let bytes = 128; bytes < sample.stack.length; bytes += 8) {
    const part = await unwinder.unwind({ ...sample, stack: sample.stack.subarray(0, bytes) });
    if (names(part).at(-1) === name) return;
  }
  assert.fail(`no ${name}`);
}
