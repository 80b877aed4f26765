/** Parses the lines of `probes/spawn-events.bt`. The comment at its top describes each line. */

import { probeConstant } from '../shared/probe-constants.ts';
import type { ProcessNames } from '../../model/naming.ts';

/** Times are nanoseconds of the boot clock. `birth` and `call` are unique, so they also serve as names. */
interface Call {
  readonly call: string;
  readonly tid: number;
}
interface OfChild {
  readonly birth: string;
  readonly child: number;
}
export interface Birth extends Call, OfChild {
  readonly kind: 'birth';
  readonly pid: number;
  readonly flags: number;
  readonly cgroup: string;
  readonly pages: number;
  readonly pageTableBytes: number;
  readonly names: ProcessNames;
}
export interface Return extends Call {
  readonly kind: 'return';
  readonly now: bigint;
}
export interface Failure extends Call {
  readonly kind: 'failure';
  readonly now: bigint;
  readonly pid: number;
  readonly errno: number;
  readonly cgroup: string;
  readonly names: ProcessNames;
}
export interface Exec extends OfChild {
  readonly kind: 'exec';
  readonly now: bigint;
  readonly file: string;
}
export interface ExecFailure extends OfChild {
  readonly kind: 'exec-failure';
  readonly now: bigint;
  readonly errno: number;
  readonly file: string;
}
export interface Exit extends OfChild {
  readonly kind: 'exit';
  readonly now: bigint;
  readonly exitCode: number;
  readonly executed: boolean;
}
/** A beat, which comes four times a second. */
interface Beat {
  readonly kind: 'beat';
  readonly now: bigint;
}
/** One of the two maps of faults was printed, unless it was empty. */
interface Turn {
  readonly kind: 'turn';
  readonly now: bigint;
  readonly map: number;
}
export type Step = Birth | Return | Failure | Exec | ExecFailure | Exit | Beat | Turn;

/** The number of fields before the last one, which may contain spaces. */
export const FIELDS: Readonly<Record<string, number>> = { N: 10, R: 4, F: 7, X: 4, E: 5, D: 6, B: 2, T: 3 };

/** Gives undefined for any other line and for one that is cut short. */
export function parseStep(line: string): Step | undefined {
  const kind = line[0] ?? '';
  const fields = splitAt(line, FIELDS[kind] ?? 0);
  if (!fields) return undefined;
  const [, now = '', second = '', third = '', ...rest] = fields;
  const number = (index: number): number => Number(rest[index]);
  const text = (index: number): string => rest[index] ?? '';
  switch (kind) {
    case 'N':
      return {
        kind: 'birth',
        birth: now,
        call: second,
        tid: Number(third),
        pid: number(0),
        child: number(1),
        flags: number(2),
        cgroup: text(3),
        pages: number(4),
        pageTableBytes: number(5),
        names: namesOf(text(6)),
      };
    case 'R':
      return { kind: 'return', now: BigInt(now), call: second, tid: Number(third) };
    case 'F': {
      const failed = { pid: number(0), errno: number(1), cgroup: text(2), names: namesOf(text(3)) };
      return { kind: 'failure', now: BigInt(now), call: second, tid: Number(third), ...failed };
    }
    case 'X':
      return { kind: 'exec', now: BigInt(now), birth: second, child: Number(third), file: text(0) };
    case 'E':
      return {
        kind: 'exec-failure',
        now: BigInt(now),
        birth: second,
        child: Number(third),
        errno: number(0),
        file: text(1),
      };
    case 'D':
      return {
        kind: 'exit',
        now: BigInt(now),
        birth: second,
        child: Number(third),
        exitCode: number(0),
        executed: text(1) === '1',
      };
    case 'B':
      return { kind: 'beat', now: BigInt(now) };
    case 'T':
      return { kind: 'turn', now: BigInt(now), map: Number(second) };
    default:
      return undefined;
  }
}

/** Gives `count` fields and the rest of the line, if there is one. */
function splitAt(line: string, count: number): string[] | undefined {
  const fields = line.split(' ');
  if (fields.length < count || count === 0) return undefined;
  return fields.length <= count + 1 ? fields : [...fields.slice(0, count), fields.slice(count).join(' ')];
}

/** Decodes two names, each as long as a comm, with a space between them. */
function namesOf(escaped: string): ProcessNames {
  const bytes = unescaped(escaped);
  const length = probeConstant('COMM_LEN');
  return { comm: nameOf(bytes.subarray(0, length)), exe: nameOf(bytes.subarray(length + 1, 2 * length + 1)) };
}

/** Gives the text before the first NUL, cut to the length of a comm. */
function nameOf(bytes: Buffer): string {
  const longest = probeConstant('COMM_LEN') - 1;
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? longest : Math.min(end, longest));
}

/**
 * bpftrace prints bytes that are not printable as `\x` and two digits; so what looks like one of printable bytes was
 * written by the process itself.
 */
function unescaped(escaped: string): Buffer {
  const bytes: number[] = [];
  for (let i = 0; i < escaped.length; i++) {
    const code = /^\\x([0-9a-f]{2})/i.exec(escaped.slice(i, i + 4))?.[1];
    const byte = code === undefined ? 0x20 : Number.parseInt(code, 16);
    if (byte >= 0x20 && byte < 0x7f) bytes.push(escaped.charCodeAt(i) & 0xff);
    else {
      bytes.push(byte);
      i += 3;
    }
  }
  return Buffer.from(bytes);
}
