/** What the probes once held in the kernel, and an object that gives it again, so that the engine runs without them. */
import { readFileSync } from 'node:fs';
import { deflateSync, inflateSync } from 'node:zlib';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '../../../model/options.ts';
import type { Attached } from '../../../engine/core/attach.ts';
import type { BpfObject, Layout } from '../../../system/native.ts';
import type { Truth } from '../../../../native/spawnload/spawnload.ts';

export const RECORDING = new URL('recording.json', import.meta.url);

/** With these options the recording was made. */
export const OPTIONS: EngineOptions = { ...DEFAULT_ENGINE_OPTIONS, label: 'pid', filter: { comm: 'recorded' } };

export const STRUCTS = [
  'cost_key',
  'cost_row',
  'failure_key',
  'event',
  'arguments',
  'ancestors',
  'ancestor',
  'health',
] as const;
export const MAPS = ['costs', 'other_costs', 'failures', 'other_failures'] as const;

/** Bytes are deflated, and in base64. */
export interface Recording {
  readonly kernel: string;
  readonly attached: Omit<Attached, 'object'>;
  readonly layouts: Readonly<Record<string, Layout>>;
  readonly maps: Readonly<Record<string, { readonly entries: number; readonly keys: string; readonly values: string }>>;
  readonly health: string;
  readonly events: string;
  /** What spawnload says that it did. */
  readonly truths: readonly Truth[];
}

export const pack = (bytes: Uint8Array): string => deflateSync(bytes).toString('base64');
const unpack = (text: string): Buffer => inflateSync(Buffer.from(text, 'base64'));

export const readRecording = (): Recording => JSON.parse(readFileSync(RECORDING, 'utf8')) as Recording;

/** The probes as they were recorded: maps that can be read and emptied, and a ring that gives its events once. */
export function replay({ attached, layouts, maps, health, events }: Recording): Attached {
  const taken = new Set<string>();
  let drained = false;
  const mapOf = (name: string) => {
    const { entries, keys, values } = maps[name] ?? { entries: 0, keys: pack(Buffer.of()), values: pack(Buffer.of()) };
    return { entries, keys: unpack(keys), values: unpack(values) };
  };
  const object: Pick<
    BpfObject,
    'layout' | 'readMap' | 'takeEntry' | 'readGlobal' | 'writeGlobal' | 'drainRing' | 'programStats' | 'close'
  > = {
    layout(struct) {
      const layout = layouts[struct];
      if (!layout) throw new Error(`the recording has no ${struct}`);
      return layout;
    },
    readMap(name, keys, values) {
      const map = mapOf(name);
      keys.set(map.keys);
      values.set(map.values);
      return map.entries;
    },
    takeEntry(name, key, value) {
      const map = mapOf(name);
      const index = map.keys.indexOf(key) / key.length;
      if (index < 0 || taken.has(`${name} ${index}`)) return false;
      taken.add(`${name} ${index}`);
      value.set(map.values.subarray(index * value.length, (index + 1) * value.length));
      return true;
    },
    readGlobal: (_name, bytes) => bytes.set(unpack(health)),
    writeGlobal() {},
    drainRing(_map, bytes) {
      if (drained) return 0;
      drained = true;
      const all = unpack(events);
      bytes.set(all);
      return all.length;
    },
    programStats: () => [],
    close() {},
  };
  return { ...attached, object: object as BpfObject };
}
