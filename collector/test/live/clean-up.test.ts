/** Whatever becomes of a child, nothing of it stays in any map. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { availableWays, openEngine, rowOf, total } from './engines.ts';
import { scaled, spawnload, uniqueComm } from './spawnload.ts';

interface BpfMap {
  readonly id: number;
  readonly name: string;
}

const bpftool = (...args: string[]) =>
  JSON.parse(execFileSync('bpftool', ['-j', ...args], { encoding: 'utf8' })) as unknown;

/** The fdinfo of a map's descriptor has its id. */
function mapsOfThisProcess(): BpfMap[] {
  const ids = new Set(
    readdirSync('/proc/self/fdinfo').flatMap((fd) => {
      const info = existsSync(`/proc/self/fdinfo/${fd}`) ? readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8') : '';
      return /^map_id:\s*(\d+)$/m.exec(info)?.slice(1).map(Number) ?? [];
    }),
  );
  return (bpftool('map', 'list') as BpfMap[]).filter(({ id }) => ids.has(id));
}

/** Entries in a map of this process, as bpftool sees it. */
function entriesOf(name: string): number {
  const map = mapsOfThisProcess().find((each) => each.name === name);
  assert.ok(map, `no map ${name}`);
  return (bpftool('map', 'dump', 'id', String(map.id)) as unknown[]).length;
}

const ENDS: readonly (readonly [string, readonly string[], { readonly execs: boolean }])[] = [
  ['exec from a thread that is not the leader', ['--exec-from-thread'], { execs: true }],
  ['exit without exec', ['--no-exec'], { execs: false }],
  ['killed before exec', ['--kill'], { execs: false }],
  ['failed exec', ['--exec-missing'], { execs: false }],
  ['spawned by a thread that is not the leader', ['--from-thread'], { execs: true }],
  ['several at once', ['--threads', '4', '--live', '8'], { execs: true }],
];

for (const way of availableWays()) {
  describe(`seen by ${way}`, () => {
    for (const [name, args, { execs }] of ENDS)
      test(name, async () => {
        const comm = uniqueComm();
        const count = scaled(40);
        using engine = openEngine({ callHook: way, filter: { comm } });
        await spawnload('--mechanism', 'fork', '--comm', comm, '--count', count, ...args);
        const row = rowOf(engine, comm);
        const seen = [row.spawns, total(row.stall), total(row.lifetime), total(row.execDelay), row.execStalls];
        assert.deepEqual(seen, [count, count, count, execs ? count : 0, execs ? count : 0]);
        assert.deepEqual([entriesOf('processes'), entriesOf('calls')], [0, 0]);
        const { processesTracked, callsTracked, processesUntracked, callsUntracked } = engine.snapshot().health;
        assert.deepEqual([processesTracked, callsTracked, processesUntracked, callsUntracked], [0, 0, 0, 0]);
      });
  });
}

after(() => assert.deepEqual(mapsOfThisProcess(), [], 'a closed engine leaves no map'));
