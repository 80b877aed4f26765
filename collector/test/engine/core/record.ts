/** Makes recording.json anew. Needs root: scripts/node collector/test/engine/core/record.ts */
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { attachProbes } from '../../../engine/core/attach.ts';
import { probeConstant } from '../../../engine/shared/probe-constants.ts';
import { spawnload } from '../../../../testing/spawnload.ts';
import type { Truth } from '../../../../native/spawnload/spawnload.ts';
import { MAPS, OPTIONS, pack, RECORDING, STRUCTS, type Recording } from './recording.ts';

const LOADS = [
  ['--mechanism', 'fork', '--syscall', 'clone', '--count', '3', '--rss', '16777216', '--parent-touch', '7'],
  ['--mechanism', 'vfork', '--syscall', 'clone3', '--count', '2'],
  ['--mechanism', 'afork', '--syscall', 'clone', '--count', '1', '--no-exec'],
  ['--mechanism', 'vfork', '--syscall', 'clone', '--count', '2', '--exec-missing'],
  ['--mechanism', 'fork', '--syscall', 'clone', '--count', '2', '--nproc-limit'],
];

const { object, ...attached } = attachProbes(OPTIONS);
object.writeGlobal('streaming', Uint8Array.of(1, 0, 0, 0));
const truths: Truth[] = [];
for (const load of LOADS) truths.push(await spawnload('--comm', 'recorded', ...load));
await sleep(200);

const layouts = Object.fromEntries(STRUCTS.map((name) => [name, object.layout(name)]));
const sizeOf = (name: (typeof STRUCTS)[number]): number => layouts[name]?.size ?? 0;
const sizes: Readonly<Record<(typeof MAPS)[number], readonly [most: number, key: number, value: number]>> = {
  costs: [OPTIONS.maxSpawners, sizeOf('cost_key'), sizeOf('cost_row')],
  other_costs: [probeConstant('MECHANISMS') * probeConstant('SYSCALLS'), 4, sizeOf('cost_row')],
  failures: [probeConstant('FAILURES'), sizeOf('failure_key'), 8],
  other_failures: [probeConstant('FAILURE_KINDS') * probeConstant('SYSCALLS') * probeConstant('MAX_ERRNO'), 4, 8],
};

function readMap(name: (typeof MAPS)[number]): Recording['maps'][string] {
  const [most, key, value] = sizes[name];
  const [keys, values] = [new Uint8Array(most * key), new Uint8Array(most * value)];
  const entries = object.readMap(name, keys, values);
  return { entries, keys: pack(keys.subarray(0, entries * key)), values: pack(values.subarray(0, entries * value)) };
}

const events = new Uint8Array(1 << 20);
const eventBytes = object.drainRing('events', events);
const health = new Uint8Array(sizeOf('health'));
object.readGlobal('health', health);
const recording: Recording = {
  kernel: release(),
  attached,
  layouts,
  maps: Object.fromEntries(MAPS.map((name) => [name, readMap(name)])),
  health: pack(health),
  events: pack(events.subarray(0, eventBytes)),
  truths,
};
writeFileSync(RECORDING, `${JSON.stringify(recording, undefined, 2)}\n`);
object.close();
