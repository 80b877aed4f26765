/** Decodes lines of bpftrace's output into messages. */

import { Dialect, Pairs, type Tree, quirksOf, toInteger } from './dialect.ts';
import { fixBounds } from './buckets.ts';
import type { Bucket, Entries, Fields, Integer, LogMessage, Message, Stats, Value } from './messages.ts';
import type { MapFacts } from './script.ts';
import { type Version, atLeast } from './version.ts';

export type Decode = (line: string) => Message;

/** Gives a decoder for the lines that one run writes to stdout, in their order, without blank lines. */
export function makeDecoder(version: Version, maps: MapFacts): Decode {
  const dialect = new Dialect(quirksOf(version));
  const context: Context = { maps, bigAsStrings: atLeast(version, '0.24'), boundsOverflow: !atLeast(version, '0.20') };
  return (line) => {
    if (!line.startsWith('{"type":')) return toLog(line, 'stdout');
    try {
      return toMessage(dialect.parse(line) as Pairs, context) ?? { type: 'unknown', json: line };
    } catch {
      return { type: 'unknown', json: line };
    }
  };
}

interface Context {
  readonly maps: MapFacts;
  readonly bigAsStrings: boolean;
  readonly boundsOverflow: boolean;
}

function toMessage(object: Pairs, context: Context): Message | undefined {
  const type = object.get('type');
  const data = object.get('data');
  switch (type) {
    case 'printf':
    case 'time':
    case 'cat':
    case 'join':
    case 'syscall':
      return typeof data === 'string' ? { type, text: data } : undefined;
    case 'attached_probes':
      return { type: 'attached', probes: Number(count(data, 'probes')) };
    case 'lost_events':
      return { type: 'lost', events: Number(count(data, 'events')) };
    case 'value':
      return { type, value: toValue(data ?? null, context) };
    case 'helper_error':
      return {
        type: 'helper-error',
        helper: textOf(object, 'helper'),
        returnCode: Number(object.get('retcode')),
        ...(object.get('msg') === undefined ? {} : { text: textOf(object, 'msg') }),
        line: Number(object.get('line')),
        column: Number(object.get('col')),
      };
    case 'warnf':
      return { type: 'warning', ...scriptLog(object) };
    case 'errorf':
    case 'runtime_error':
      return { type: 'error', ...scriptLog(object) };
    case 'map':
    case 'hist':
    case 'stats':
    case 'tseries':
      return data instanceof Pairs ? mapMessage(type, data, context) : undefined;
    default:
      return undefined;
  }
}

function mapMessage(type: 'map' | 'hist' | 'stats' | 'tseries', data: Pairs, context: Context): Message | undefined {
  const [pair] = data.pairs;
  if (!pair) return undefined;
  const [name, content] = pair;
  switch (type) {
    case 'map': {
      const keyed = context.maps.keyed.has(name) || !context.maps.known.has(name);
      return { type, name, entries: entries(content, keyed, (tree) => toValue(tree, context)) };
    }
    case 'hist': {
      const linear = context.maps.linear.has(name);
      const fix = !linear && context.boundsOverflow ? fixBounds : (buckets: readonly Bucket[]) => buckets;
      const all = entries(content, content instanceof Pairs, (tree) => fix(array(tree).map(toBucket)));
      return { type: linear ? 'lhist' : 'hist', name, entries: all };
    }
    case 'stats':
      if (isAverage(content)) return mapMessage('map', data, context);
      return { type, name, entries: entries(content, isNested(content), toStats) };
    case 'tseries':
      return { type, name, entries: entries(content, content instanceof Pairs, (tree) => toSeries(tree, context)) };
  }
}

/** Gives the entries of a map. A map without keys has one entry. */
function entries<V>(content: Tree, keyed: boolean, convert: (tree: Tree) => V): Entries<V> {
  if (!keyed || !(content instanceof Pairs)) return [['', convert(content)]];
  return content.pairs.map(([key, tree]) => [key, convert(tree)]);
}

/** Whether this is `{"key": {"count": …}}` and not `{"count": …}`. */
function isNested(content: Tree): boolean {
  return content instanceof Pairs && content.pairs.every(([, tree]) => tree instanceof Pairs);
}

/** Whether this is an `avg()`. Before 0.24, bpftrace calls it stats too. */
function isAverage(content: Tree): boolean {
  const [first] = content instanceof Pairs ? content.pairs : [];
  return !(content instanceof Pairs) || (first?.[0] !== 'count' && !(first?.[1] instanceof Pairs));
}

function toBucket(tree: Tree): Bucket {
  const bucket: { min?: Integer; max?: Integer; count: Integer } = { count: count(tree, 'count') };
  const pairs = tree as Pairs;
  for (const bound of ['min', 'max'] as const) {
    const value = pairs.get(bound);
    if (value !== undefined) bucket[bound] = integer(value);
  }
  return bucket;
}

function toStats(tree: Tree): Stats {
  return { count: count(tree, 'count'), average: count(tree, 'average'), total: count(tree, 'total') };
}

function toSeries(tree: Tree, context: Context): { start: string; value: Value }[] {
  return array(tree).map((point) => {
    const pairs = point as Pairs;
    return { start: textOf(pairs, 'interval_start'), value: toValue(pairs.get('value') ?? null, context) };
  });
}

/**
 * From 0.24 on, bpftrace writes an integer that no double holds exactly as a string. A string of digits looks the same. It
 * stays a string if a double holds its value exactly.
 */
function toValue(tree: Tree, context: Context): Value {
  if (typeof tree === 'string') return context.bigAsStrings && isInexact(tree) ? BigInt(tree) : tree;
  if (tree instanceof Pairs) {
    return { fields: tree.pairs.map(([name, value]) => [name, toValue(value, context)] as const) } satisfies Fields;
  }
  if (Array.isArray(tree)) return (tree as readonly Tree[]).map((item) => toValue(item, context));
  return tree as Integer | boolean | null;
}

function isInexact(text: string): boolean {
  if (!/^(?:-?[1-9]\d{15,18}|1\d{19})$/.test(text)) return false;
  return BigInt(Number(text)) !== BigInt(text);
}

function count(tree: Tree | undefined, name: string): Integer {
  if (!(tree instanceof Pairs)) throw new SyntaxError(`no object with ${name}`);
  return integer(tree.get(name));
}

function integer(tree: Tree | undefined): Integer {
  if (typeof tree === 'number' || typeof tree === 'bigint') return tree;
  if (typeof tree === 'string' && /^-?\d+$/.test(tree)) return toInteger(tree);
  throw new SyntaxError('no integer');
}

function textOf(object: Pairs, name: string): string {
  const value = object.get(name);
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new SyntaxError(`no ${name}`);
}

function array(tree: Tree): readonly Tree[] {
  if (!Array.isArray(tree)) throw new SyntaxError('no array');
  return tree as readonly Tree[];
}

function scriptLog(object: Pairs): Omit<LogMessage, 'type'> {
  const line = object.get('line');
  const column = object.get('col');
  return {
    text: shorten(textOf(object, 'msg')),
    source: 'script',
    ...(typeof line === 'number' ? { line } : {}),
    ...(typeof column === 'number' ? { column } : {}),
  };
}

const MAX_LOG_CHARACTERS = 4096;
const shorten = (text: string): string =>
  text.length > MAX_LOG_CHARACTERS ? `${text.slice(0, MAX_LOG_CHARACTERS)}…` : text;

/**
 * Decodes a line that is not JSON. Before 0.23, bpftrace calls a missing CAP_SYS_RESOURCE an error. It goes on, because only
 * kernels before 5.11 need that capability.
 */
export function toLog(line: string, source: 'stdout' | 'stderr'): LogMessage {
  const said = shorten(line);
  if (/couldn't set RLIMIT_MEMLOCK/.test(line)) return { type: 'warning', text: said, source };
  const level = /^(?:\S+:\d+:\d+(?:-\d+)?: )?(ERROR|WARNING|FATAL|BUG)\b/.exec(line)?.[1];
  if (level === undefined) return { type: 'note', text: said, source };
  return { type: level === 'WARNING' ? 'warning' : 'error', text: said, source };
}
