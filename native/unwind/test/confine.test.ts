import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { after, test } from 'node:test';
import { openUnwinder } from '../../../collector/system/unwinder.ts';
import { catchSpawn, compileChain, Workshop, type Caught } from './catch.ts';

const skip = process.getuid?.() !== 0 && 'needs root';
const workshop = new Workshop();
const unwinder = openUnwinder();
const caught: Caught[] = [];
after(async () => {
  unwinder.close();
  await Promise.all(caught.map(async (each) => await each.end()));
  workshop[Symbol.dispose]();
});

function unwinderPid(): number {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  const found = children.find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'unwind\n');
  assert.ok(found !== undefined);
  return Number(found);
}

test('the unwinder is nobody, may only read what others have, and can never be more', { skip }, async () => {
  caught.push(await catchSpawn([compileChain(workshop), 'fork']));
  await unwinder.unwind(caught[0]!.sample); // it has begun
  const status = readFileSync(`/proc/${unwinderPid()}/status`, 'utf8');
  const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
  assert.equal(field('Uid'), ['65534', '65534', '65534', '65534'].join('\t'));
  assert.equal(field('NoNewPrivs'), '1');
  assert.equal(field('Seccomp'), '2');
  const readOthers = (1n << 2n) | (1n << 19n) | (1n << 40n);
  for (const set of ['CapPrm', 'CapEff']) assert.equal(BigInt(`0x${field(set)}`) & ~readOthers, 0n, set);
  assert.equal(BigInt(`0x${field('CapInh')}`), 0n);
});

test('nothing of a stack stays in its memory', { skip }, async () => {
  const [{ sample }] = caught as [Caught];
  const secret = Buffer.from(Array.from({ length: 32 }, (_, i) => 0x41 + ((i * 7) % 26)));
  const stack = Buffer.from(sample.stack);
  secret.copy(stack, stack.length - 100);
  secret.copy(stack, 8); // the red zone
  assert.equal((await unwinder.unwind({ ...sample, stack })).end, 'complete');
  // The answer comes before the bytes are wiped; the next answer comes after.
  await unwinder.unwind(sample);
  assert.equal(isInMemory(unwinderPid(), secret), false);
  assert.equal(isInMemory(process.pid, secret), true, 'this test looks where there is something');
});

function isInMemory(pid: number, wanted: Buffer): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const ranges = [...readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)];
  const found = ranges.some(([, from, to]) => contains(memory, Number(`0x${from}`), Number(`0x${to}`), wanted));
  closeSync(memory);
  return found;
}

function contains(memory: number, from: number, to: number, wanted: Buffer): boolean {
  const bytes = Buffer.alloc(1 << 20);
  for (let at = from; at < to; at += bytes.length - wanted.length) {
    let size = 0;
    try {
      size = readSync(memory, bytes, 0, Math.min(bytes.length, to - at), at);
    } catch {
      return false; // not present
    }
    if (bytes.subarray(0, size).includes(wanted)) return true;
  }
  return false;
}
