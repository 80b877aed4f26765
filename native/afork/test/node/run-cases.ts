/**
 * Runs the table in this process, one case after the other, and prints what each saw: as it is (`plain`), after afork was
 * registered by whoever started this process (`hooked`), or through the functions that afork exports (`imported`).
 */

import childProcess from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptors } from './cases/descriptors.ts';
import { errors } from './cases/errors.ts';
import { exits } from './cases/exits.ts';
import { processes } from './cases/processes.ts';
import { sync } from './cases/sync.ts';
import { attempt, type Cases, furnish } from './world.ts';

export interface Told {
  readonly seen: unknown;
  /** What afork's own counters rose by; absent when plain. */
  readonly counted?: {
    readonly mechanisms: Readonly<Record<string, number>>;
    readonly fallbacks: Readonly<Record<string, number>>;
  };
}

const table: Cases = { ...exits, ...errors, ...descriptors, ...processes, ...sync };
const how = process.argv[2];
const afork = how === 'plain' ? undefined : await import('../../dist/index.js');
const cp = how === 'imported' && afork ? { ...childProcess, ...afork } : childProcess;
const told: Record<string, Told> = {};
for (const [name, run] of Object.entries(table)) {
  const before = afork?.stats();
  const dir = mkdtempSync(join(tmpdir(), 'afork-'));
  furnish(dir);
  const seen = await (attempt(() => run({ cp, dir })) as Promise<unknown>);
  rmSync(dir, { recursive: true });
  const after = afork?.stats();
  told[name] = {
    seen: JSON.parse(JSON.stringify(seen ?? null).replaceAll(dir, '<dir>')),
    ...(before && after
      ? {
          counted: {
            mechanisms: risen(before.mechanisms, after.mechanisms),
            fallbacks: risen(before.fallbacks, after.fallbacks),
          },
        }
      : {}),
  };
}
process.stdout.write(JSON.stringify(told));

function risen(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const rises = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(rises.filter(([, count]) => count > 0));
}
