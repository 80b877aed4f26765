/** The aims of afork, and whether this run reaches them. Ratios are of median stalls within one case. */
import { FLOOR, GATED, LARGE, type Side, SMALL } from './cases.ts';
import { findResult, quantiles, type Result } from './results.ts';

interface Aim {
  readonly text: string;
  readonly side: Side;
  readonly name: string;
  readonly numerator: string;
  readonly denominator: string;
  /** The ratio must be at least, or at most, this. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Verdict {
  readonly text: string;
  readonly aim: string;
  readonly ratio: number;
  /** The ratio if afork cost no more than the floor; undefined if the ratio is not to afork. */
  readonly most: number | undefined;
  readonly met: boolean;
}

const C = { side: 'C', name: SMALL, denominator: 'afork_spawn' } as const;
const NODE = { side: 'Node', name: SMALL, denominator: 'afork' } as const;
const PLAIN = 'child_process';
const STAND_IN = 'vfork stand-in';

const AIMS: readonly Aim[] = [
  {
    text: `C, ${SMALL}: afork_spawn / bare clone(CLONE_VM)`,
    side: 'C',
    name: SMALL,
    numerator: 'afork_spawn',
    denominator: 'clone(CLONE_VM)',
    atMost: 2,
  },
  { ...C, text: `C, ${SMALL}: posix_spawn / afork_spawn`, numerator: 'posix_spawn', atLeast: 15 },
  { ...NODE, text: `Node, ${SMALL} of Buffers: child_process / afork`, numerator: PLAIN, atLeast: 10 },
  { ...NODE, text: `Node, ${LARGE} of Buffers: child_process / afork`, name: LARGE, numerator: PLAIN, atLeast: 60 },
  { ...NODE, text: `Node, ${SMALL} of Buffers: vfork stand-in / afork`, numerator: STAND_IN, atLeast: 2 },
  { ...NODE, text: `Node, ${GATED}: child_process / afork`, name: GATED, numerator: PLAIN, atLeast: 30 },
  { ...NODE, text: `Node, ${GATED}: vfork stand-in / afork`, name: GATED, numerator: STAND_IN, atLeast: 30 },
];

/** A cost is flat if the largest size costs at most this many times the smallest. */
const FLAT = 1.5;

export function judge(results: readonly Result[]): readonly Verdict[] {
  const verdicts = AIMS.map((aim) => {
    const result = findResult(results, aim.side, aim.name);
    const ratio = stall(result, aim.numerator) / stall(result, aim.denominator);
    const met = ratio >= (aim.atLeast ?? 0) && ratio <= (aim.atMost ?? Infinity);
    const most = aim.atLeast === undefined ? undefined : stall(result, aim.numerator) / stall(result, FLOOR[aim.side]);
    return {
      text: aim.text,
      aim: aim.atMost ? `≤ ${aim.atMost}` : `≥ ${aim.atLeast}`,
      ratio,
      most,
      met,
    };
  });
  return [...verdicts, flat(results, 'C', 'afork_spawn'), flat(results, 'Node', 'afork')].filter(
    ({ ratio }) => !Number.isNaN(ratio),
  );
}

function flat(results: readonly Result[], side: Side, mechanism: string): Verdict {
  const ratio = stall(findResult(results, side, LARGE), mechanism) / stall(findResult(results, side, SMALL), mechanism);
  return {
    text: `${side}: ${mechanism} at ${LARGE} / at ${SMALL}`,
    aim: `≤ ${FLAT}`,
    ratio,
    most: undefined,
    met: ratio <= FLAT,
  };
}

function stall(result: Result | undefined, mechanism: string): number {
  return (result && quantiles(result, mechanism, 'stall')?.p50) ?? NaN;
}
