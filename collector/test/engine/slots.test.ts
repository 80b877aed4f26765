/** The kernel's arithmetic, and that of user space, give the slots that Prometheus' native histograms have. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HISTOGRAM_BOUNDS, SCALES, type HistogramKind } from '../../model/bounds.ts';
import { slotOf } from '../../model/histogram.ts';
import { generator } from '../../../testing/random.ts';

const KINDS = ['timeHistogram', 'lifetimeHistogram', 'sizeHistogram'] as const;
const PROBES = new URL('../../../probes', import.meta.url).pathname;
const SOURCE = new URL('fixtures/slots.c', import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), 'slots-'));
after(() => rmSync(folder, { recursive: true }));

/** Checks the definition in whole numbers: the lowest slot i with value <= 2^(lowest + i / 2^schema) base units. */
function isWithin(value: bigint, kind: HistogramKind, slot: number): boolean {
  const { schema, lowest, unitsPerBase } = SCALES[kind];
  const perPower = 2 ** schema;
  const exponent = BigInt(lowest * perPower + slot);
  const left = value ** BigInt(perPower);
  const right = BigInt(unitsPerBase) ** BigInt(perPower);
  return exponent >= 0n ? left <= right << exponent : left << -exponent <= right;
}

/** Gives the bounds, their neighbours, all powers of two, and numbers of every size. */
function valuesFor(kind: HistogramKind): number[] {
  const random = generator(7);
  const near = (value: number) => [value - 1, value, value + 1];
  return [
    0,
    Number.MAX_SAFE_INTEGER,
    ...HISTOGRAM_BOUNDS[kind].flatMap(near),
    ...Array.from({ length: 52 }, (_, power) => near(2 ** power + 1)).flat(),
    ...Array.from({ length: 2_000 }, () => Math.floor(2 ** (53 * random()))),
  ];
}

test('bounds are those of the schema, rounded down', () => {
  for (const kind of KINDS) {
    for (const [i, bound] of HISTOGRAM_BOUNDS[kind].entries()) {
      assert.ok(isWithin(BigInt(bound), kind, i), `${kind} ${i}: ${bound}`);
      assert.ok(!isWithin(BigInt(bound + 1), kind, i), `${kind} ${i}: ${bound + 1}`);
    }
  }
});

test('the kernel and user space find the same slot for each value', () => {
  const program = join(folder, 'slots');
  execFileSync('gcc', ['-O2', '-w', '-I', PROBES, '-o', program, SOURCE]);
  const given = KINDS.flatMap((kind, which) => valuesFor(kind).map((value) => ({ kind, which, value })));
  const input = [
    ...KINDS.map((kind) => [HISTOGRAM_BOUNDS[kind].length, ...HISTOGRAM_BOUNDS[kind]].join(' ')),
    ...given.map(({ which, value }) => `${which} ${value}`),
  ].join('\n');
  const slots = execFileSync(program, { input, encoding: 'utf8' }).trim().split('\n').map(Number);
  assert.equal(slots.length, given.length);
  for (const [i, { kind, value }] of given.entries()) {
    const slot = slotOf(HISTOGRAM_BOUNDS[kind], value);
    assert.equal(slots[i], slot, `${kind} ${value}`);
    const last = HISTOGRAM_BOUNDS[kind].length;
    assert.ok(slot === last || isWithin(BigInt(value), kind, slot), `${kind} ${value} in ${slot}`);
    assert.ok(slot === 0 || !isWithin(BigInt(value), kind, slot - 1), `${kind} ${value} below ${slot}`);
  }
});
