/** However a child ends, no map keeps anything of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after } from 'node:test';
import { testEnds } from './ends.ts';
import { availableWays, openedBy } from '../../../../testing/engines.ts';

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

/** Gives the number of entries in a map of this process, from bpftool. */
function entriesOf(name: string): number {
  const map = mapsOfThisProcess().find((each) => each.name === name);
  assert.ok(map, `no map ${name}`);
  return (bpftool('map', 'dump', 'id', String(map.id)) as unknown[]).length;
}

for (const way of availableWays())
  testEnds(`seen by ${way}`, openedBy(way), () => {
    assert.deepEqual([entriesOf('processes'), entriesOf('calls')], [0, 0]);
  });

after(() => assert.deepEqual(mapsOfThisProcess(), [], 'a closed engine leaves no map'));
