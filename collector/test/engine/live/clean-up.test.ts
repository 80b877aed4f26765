/** However a child ends, no map keeps anything of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after } from 'node:test';
import { testEnds } from './ends.ts';
import type { CallHook } from '../../../model/hooks.ts';
import { availableWays, openEngine, type Open } from '../../../../testing/engines.ts';

interface BpfMap {
  readonly id: number;
  readonly name: string;
}

const bpftool = (...args: string[]) =>
  JSON.parse(execFileSync('bpftool', ['-j', ...args], { encoding: 'utf8' })) as unknown;

/** Finds the maps of this process: the fdinfo of a map's descriptor has its id. */
function mapsOfThisProcess(): BpfMap[] {
  const ids = new Set(
    readdirSync('/proc/self/fdinfo').flatMap((fd) => {
      const info = existsSync(`/proc/self/fdinfo/${fd}`) ? readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8') : '';
      return /^map_id:\s*(\d+)$/m.exec(info)?.slice(1).map(Number) ?? [];
    }),
  );
  return (bpftool('map', 'list') as BpfMap[]).filter(({ id }) => ids.has(id));
}

interface Place {
  readonly id: number;
  readonly displaced: number;
}

/** Gives the entries in a map of this process, from bpftool. */
function entriesOf(name: string): readonly { readonly formatted: { readonly value: { readonly place?: Place } } }[] {
  const map = mapsOfThisProcess().find((each) => each.name === name);
  assert.ok(map, `no map ${name}`);
  return bpftool('map', 'dump', 'id', String(map.id)) as ReturnType<typeof entriesOf>;
}

/** Gives the places that somebody has or could not have. */
const takenPlaces = (name: string) =>
  entriesOf(name).filter(({ formatted: { value } }) => value.place?.id !== 0 || value.place.displaced !== 0);

/** Few places, so that some children have none of their own, and bpftool prints less. */
const openSmall =
  (callHook: CallHook): Open =>
  async (options) =>
    openEngine({ ...options, callHook, maxProcesses: 256 });

for (const way of availableWays())
  testEnds(`seen by ${way}`, openSmall(way), () => {
    assert.deepEqual([...takenPlaces('process_places'), ...takenPlaces('call_places')], []);
    assert.deepEqual([...entriesOf('displaced_procs'), ...entriesOf('displaced_calls')], []);
  });

after(() => assert.deepEqual(mapsOfThisProcess(), [], 'a closed engine leaves no map'));
