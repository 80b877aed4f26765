/** Node against Node: every case of the table through child_process as it is, hooked, and imported, with equal results. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findNodes, type Node } from '../../../../testing/nodes.ts';
import type { Told } from './run-cases.ts';

const RUNNER = fileURLToPath(new URL('run-cases.ts', import.meta.url));
const REGISTER = fileURLToPath(new URL('../../register.cjs', import.meta.url));
/** These Node does itself, and afork says so. */
const FALLBACKS: Readonly<Record<string, object>> = {
  'own uid and gid': { identity: 1 },
  'spawnSync: own uid': { identity: 1 },
};

async function runCases(node: string, how: string, options: readonly string[] = []): Promise<Record<string, Told>> {
  const { stdout } = await promisify(execFile)(node, [...options, RUNNER, how], { maxBuffer: Infinity });
  return JSON.parse(stdout);
}

async function runAll({ version, path, missing }: Node) {
  if (!path) return { version, missing, plain: {}, hooked: {}, imported: {} };
  return {
    version,
    missing,
    plain: await runCases(path, 'plain'),
    hooked: await runCases(path, 'hooked', ['--require', REGISTER]),
    imported: await runCases(path, 'imported'),
  };
}

// All runs come before the first suite: with --test-force-exit the file ends when the suites known so far have ended.
const runs = [];
for (const node of findNodes()) runs.push(await runAll(node));

for (const { version, missing, plain, hooked, imported } of runs) {
  suite(`Node ${version}`, { skip: missing }, () => {
    const isSync = (name: string): boolean => /sync/i.test(name);

    for (const [name, { seen }] of Object.entries(plain)) {
      test(`${name}: hooked`, () => {
        assert.deepEqual(hooked[name]?.seen, seen);
        assert.deepEqual(hooked[name]?.counted?.fallbacks, FALLBACKS[name] ?? {});
      });
      if (isSync(name)) continue;
      test(`${name}: imported`, () => {
        assert.deepEqual(imported[name]?.seen, seen);
        assert.deepEqual(imported[name]?.counted?.fallbacks, FALLBACKS[name] ?? {});
      });
    }

    test('the children were made by afork', () => {
      for (const told of [hooked, imported]) {
        const used = Object.values(told).map(({ counted }) => counted?.mechanisms ?? {});
        const names = new Set(used.flatMap((mechanisms) => Object.keys(mechanisms)));
        assert.ok(
          [...names].every((name) => name === 'clone3' || name === 'clone'),
          `mechanisms: ${[...names].join()}`,
        );
        assert.equal(hooked['fifty at once']?.counted?.mechanisms['clone3'] ?? 50, 50);
      }
      assert.deepEqual(plain['output and exit code']?.counted, undefined);
    });
  });
}
