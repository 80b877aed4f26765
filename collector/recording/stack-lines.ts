/**
 * Unwound stacks as lines of a recording. A frame has a line of its own, and lines of stacks name it by its number: the same
 * frames come again and again. Each file begins anew.
 */
import type { StackLosses, UnwoundStack } from '../model/call-stack.ts';
import { STACK_ENDS, type Frame, type StackEnd } from '../model/frames.ts';

export const STACK_KIND = 'stack';
export const FRAME_KIND = 'frame';
export const LOSSES_KIND = 'stack-losses';

/** Beyond so many different frames, a stack has no frames, and ends as `too-many-frames`. */
const MOST_FRAMES = 100_000;

type FrameRecord = Omit<Frame, 'address'> & { readonly address?: string };

export class StackEncoder {
  readonly #frames = new Map<string, number>();

  /** Gives the lines of frames that are new, and that of the stack. */
  encode({ id, unwound }: UnwoundStack): readonly string[] {
    const lines: string[] = [];
    const numbers = unwound.frames.map((frame) => this.#numberOf(JSON.stringify(recordOf(frame)), lines));
    const isWhole = numbers.every((number) => number < MOST_FRAMES);
    return [
      ...lines,
      JSON.stringify([STACK_KIND, id, isWhole ? unwound.end : 'too-many-frames', isWhole ? numbers : []]),
    ];
  }

  #numberOf(text: string, lines: string[]): number {
    const known = this.#frames.get(text);
    if (known !== undefined) return known;
    const number = this.#frames.size;
    if (number >= MOST_FRAMES) return number;
    this.#frames.set(text, number);
    lines.push(`["${FRAME_KIND}",${text}]`);
    return number;
  }
}

export class StackDecoder {
  readonly #frames: Frame[] = [];

  /** False: the line is no frame. */
  addFrame([, record]: readonly unknown[]): boolean {
    if (typeof record !== 'object' || record === null || this.#frames.length >= MOST_FRAMES) return false;
    const { address = '0', ...rest } = record as FrameRecord;
    if (!/^[0-9a-f]{1,16}$/.test(address) || !isFrame(rest)) return false;
    this.#frames.push({ address: BigInt(`0x${address}`), ...rest });
    return true;
  }

  /** Undefined: the line is no stack. */
  stackOf([, id, end, numbers]: readonly unknown[]): UnwoundStack | undefined {
    if (typeof id !== 'number' || typeof end !== 'string' || !Object.hasOwn(STACK_ENDS, end)) return undefined;
    if (!Array.isArray(numbers) || !numbers.every(Number.isInteger)) return undefined;
    const frames = numbers.flatMap((number) => this.#frames[number as number] ?? []);
    return frames.length === numbers.length ? { id, unwound: { frames, end: end as StackEnd } } : undefined;
  }
}

/** The same place in a file has another address in each process. */
function recordOf({ address, ...frame }: Frame): FrameRecord {
  return frame.offset === undefined ? { address: address.toString(16), ...frame } : frame;
}

const FIELDS: Readonly<Record<keyof Omit<Frame, 'address'>, string>> = {
  how: 'string',
  module: 'string',
  buildId: 'string',
  offset: 'number',
  symbol: 'string',
  inlined: 'boolean',
  file: 'string',
  line: 'number',
};

function isFrame(record: object): record is Omit<Frame, 'address'> {
  const isKnown = ([name, value]: [string, unknown]) => typeof value === (FIELDS as Record<string, string>)[name];
  return 'how' in record && Object.entries(record).every(isKnown);
}

export const encodeLosses = ({ overLimit, ringFull, unreadable }: StackLosses): string =>
  JSON.stringify([LOSSES_KIND, overLimit, ringFull, unreadable]);

export function decodeLosses([, ...counts]: readonly unknown[]): StackLosses | undefined {
  if (!counts.every((count) => typeof count === 'number')) return undefined;
  const [overLimit = 0, ringFull = 0, unreadable = 0] = counts;
  return { overLimit, ringFull, unreadable };
}
