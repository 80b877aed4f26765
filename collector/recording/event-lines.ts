/** Events as lines of a recording: a JSON array of the kind, the time since the line before, and the fields in order. */
import type { EngineEvent } from '../model/events.ts';
import { MECHANISMS, SYSCALLS } from '../model/spawn.ts';

type Kind = EngineEvent['kind'];
type EventOf<K extends Kind> = Extract<EngineEvent, { kind: K }>;
type FieldType = 'number' | 'string' | 'boolean';
/** A recording is passed on, so it holds no command lines. */
type Unrecorded = 'kind' | 'atMs' | 'cgroupPath' | 'commandLine' | 'ancestry';
type Fields<K extends Kind> = Readonly<Record<Exclude<keyof EventOf<K>, Unrecorded>, FieldType>>;

const BASE = {
  pid: 'number',
  tid: 'number',
  comm: 'string',
  mechanism: 'string',
  syscall: 'string',
  cgroup: 'string',
} as const;

/** The fields of each kind in the order of a line. New fields are added at the end; readers look them up by name. */
const EVENT_FIELDS: { readonly [K in Kind]: Fields<K> } = {
  spawn: {
    ...BASE,
    child: 'number',
    stallNs: 'number',
    copyNs: 'number',
    copiedRssBytes: 'number',
    copiedPageTableBytes: 'number',
    siblingWaitNs: 'number',
    stack: 'number',
  },
  'spawn-failure': { ...BASE, stallNs: 'number', errno: 'number', stack: 'number' },
  exec: { ...BASE, child: 'number', delayNs: 'number', file: 'string' },
  'exec-failure': { ...BASE, child: 'number', delayNs: 'number', file: 'string', errno: 'number' },
  exit: { ...BASE, child: 'number', lifetimeNs: 'number', status: 'number', execSeen: 'boolean' },
};

/** Fields that an event may lack: what no hook measures, and the stack of a call that was not copied. */
const OPTIONAL: ReadonlySet<string> = new Set(['stallNs', 'copyNs', 'siblingWaitNs', 'stack']);

/** The names of the fields of each kind, as the header of a recording has them. */
export type EventNames = Readonly<Record<string, readonly string[]>>;

export const EVENT_NAMES: EventNames = Object.fromEntries(
  Object.entries(EVENT_FIELDS).map(([kind, fields]) => [kind, Object.keys(fields)]),
);

/** Microseconds since the epoch, whole. */
export const toMicroseconds = (milliseconds: number): number => Math.round(milliseconds * 1000);

export function encodeEvent(event: EngineEvent, lastUs: number): string {
  const values = event as unknown as Readonly<Record<string, unknown>>;
  const fields = (EVENT_NAMES[event.kind] ?? []).map((name) => values[name] ?? null);
  return JSON.stringify([event.kind, toMicroseconds(event.atMs) - lastUs, ...fields]);
}

/** Gives undefined for a kind or a value that this version does not know. `names` is from the recording's header. */
export function decodeEvent(line: readonly unknown[], names: EventNames, lastUs: number): EngineEvent | undefined {
  const [kind, deltaUs, ...values] = line;
  if (typeof kind !== 'string' || typeof deltaUs !== 'number' || !Object.hasOwn(EVENT_FIELDS, kind)) return undefined;
  const recorded = names[kind] ?? [];
  const event: Record<string, unknown> = { kind, atMs: (lastUs + deltaUs) / 1000 };
  for (const [name, type] of Object.entries(EVENT_FIELDS[kind as Kind])) {
    const index = recorded.indexOf(name);
    const value = index < 0 ? null : (values[index] ?? null);
    if (value === null && OPTIONAL.has(name)) continue;
    if (typeof value !== type) return undefined;
    event[name] = value;
  }
  if (!has(MECHANISMS, event['mechanism']) || !has(SYSCALLS, event['syscall'])) return undefined;
  return event as unknown as EngineEvent;
}

const has = (names: readonly unknown[], name: unknown): boolean => names.includes(name);
