import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Unwound } from '../../../collector/model/frames.ts';
import { openUnwinder } from '../../../collector/system/unwinder.ts';
import { catchSpawn, compileChain, names, OPTIMIZED, unwindSpawn, Workshop } from './catch.ts';

const workshop = new Workshop();
const unwinder = openUnwinder();
after(() => {
  unwinder.close();
  workshop[Symbol.dispose]();
});

const CHAIN = ['by_fork', 'spawn', 'middle', 'outer', 'main', '_start'];
const needsRoot = process.getuid?.() !== 0 && 'needs root';

/** The names of the program's own functions. */
const own = (unwound: Unwound): string[] => names(unwound).filter((name) => CHAIN.includes(name));

function line(unwound: Unwound, symbol: string): string | undefined {
  const frame = unwound.frames.find((each) => each.symbol === symbol);
  return frame?.file === undefined ? undefined : `${frame.file.replace(/.*\//, '')}:${frame.line}`;
}

test('a deleted program and library are read all the same, and are told', { skip: needsRoot }, async () => {
  const chain = compileChain(workshop);
  const caught = await catchSpawn([chain, 'fork']);
  rmSync(chain);
  rmSync(join(workshop.folder, 'libmiddle.so'));
  const unwound = await unwinder.unwind(caught.sample);
  await caught.end();
  assert.deepEqual(own(unwound), CHAIN);
  assert.equal(unwound.frames.find(({ symbol }) => symbol === 'main')?.module, `${chain} (deleted)`);
});

test('a program that only its own mount namespace has', { skip: needsRoot }, async () => {
  const chain = workshop.compile('alone', 'gcc', ...OPTIMIZED, 'chain.c', 'middle.c');
  const hidden = join(workshop.folder, 'hidden');
  mkdirSync(hidden);
  const script = `mount -t tmpfs tmpfs ${hidden} && cp ${chain} ${hidden}/alone && exec "$@"`;
  const inside = ['unshare', '--mount', 'sh', '-c', script, 'sh'];
  const unwound = await unwindSpawn([join(hidden, 'alone'), 'fork'], { inside });
  assert.equal(unwound.end, 'complete');
  assert.deepEqual(own(unwound), CHAIN);
  assert.equal(unwound.frames.find(({ symbol }) => symbol === 'main')?.module, `${hidden}/alone`);
});

test('names and lines from a file of debugging information beside the program', async () => {
  const chain = compileChain(workshop, '-g');
  const whole = await unwindSpawn([chain, 'fork']);
  execFileSync('objcopy', ['--only-keep-debug', chain, `${chain}.symbols`]);
  execFileSync('strip', [chain]);
  const stripped = await unwindSpawn([chain, 'fork']);
  execFileSync('objcopy', [`--add-gnu-debuglink=${chain}.symbols`, chain]);
  const linked = await unwindSpawn([chain, 'fork']);
  assert.match(line(whole, 'outer') ?? '', /^chain\.c:\d+$/);
  assert.deepEqual(own(linked), CHAIN);
  for (const name of CHAIN) assert.equal(line(linked, name), line(whole, name), name);
  // Without it, the places are the same, and have the build id and the offset that lead to the names.
  assert.equal(stripped.end, 'complete');
  assert.deepEqual(own(stripped), ['middle']);
  const places = ({ frames }: Unwound): string[] =>
    frames
      .filter(({ module, inlined }) => module === chain && inlined !== true)
      .map(({ buildId, offset }) => `${buildId} ${offset}`);
  assert.deepEqual(places(stripped), places(whole));
  assert.match(places(stripped)[0] ?? '', /^[0-9a-f]{40} \d+$/);
});
