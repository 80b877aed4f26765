/** Parsers of option values for commander. Each throws the error that commander reports as a usage error. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { cutName } from '../model/naming.ts';

/** The longest time that setTimeout takes: about 24 days. */
const LONGEST_NS = (2 ** 31 - 1) * 1e6;
const UNIT_NS: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 60e9],
  ['h', 3600e9],
]);

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['K', 2 ** 10],
  ['M', 2 ** 20],
  ['G', 2 ** 30],
]);

/** Parses `500us`, `5ms`, `1.5s` or `2m`. Gives nanoseconds, at most 24 days. */
export function parseDuration(text: string): number {
  const ns = durationNs(text);
  if (ns === undefined) throw new InvalidArgumentError('Give a number and a unit, such as 500us, 5ms, 1.5s or 2m.');
  return ns;
}

/** Parses a duration above zero, or a plain number of seconds as bcc's tools take it. Gives nanoseconds. */
export function parseInterval(text: string): number {
  const ns = durationNs(/^[\d.]+$/.test(text) ? `${text}s` : text);
  if (!ns) throw new InvalidArgumentError('Give seconds, or a duration such as 500ms.');
  return ns;
}

/** Parses `500K`, `100M`, `2G` or a number of bytes: units of 1024. Gives bytes. */
export function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d+)(K|M|G)?(?:iB|B)?$/.exec(text) ?? [];
  const bytes = Number(number ?? 0) * (SIZE_UNITS.get(unit) ?? 0);
  if (!(bytes > 0) || !Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('Give a size, such as 500K, 100M or 2G.');
  return bytes;
}

/** Gives a share: 0.01 for `1`. */
export function parsePercent(text: string): number {
  const percent = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : NaN;
  if (!(percent <= 100)) throw new InvalidArgumentError('Give a percentage from 0 to 100.');
  return percent / 100;
}

export function parseCount(text: string): number {
  return parseInteger(text, Number.MAX_SAFE_INTEGER, 'Give a whole number above zero.');
}

/** `pid_max` is at most 2^22: proc(5). */
export function parsePid(text: string): number {
  return parseInteger(text, 2 ** 22, 'Give a process id.');
}

/** Cuts the name to 15 bytes, as the kernel does; a longer one would never match. */
export function parseComm(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give the name of a process.');
  return cutName(text);
}

function durationNs(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d*)?|\.\d+)([a-z]+)$/.exec(text) ?? [];
  const unitNs = UNIT_NS.get(unit ?? '');
  return unitNs === undefined ? undefined : Math.min(Number(number) * unitNs, LONGEST_NS);
}

function parseInteger(text: string, max: number, hint: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw new InvalidArgumentError(hint);
  return value;
}
