/** One reading of the tables, from which every page of that moment is made. */
import type { CgroupNames } from '../../system/cgroups.ts';
import type { Snapshot } from '../../model/snapshot.ts';

export interface Reading {
  /** As by performance.now(). */
  readonly begunAt: number;
  /** Undefined when the tables could not be read. */
  readonly snapshot: Snapshot | undefined;
}

/** `readTables` gives undefined, and has told why, when the tables cannot be read. Names of cgroups are known afterwards. */
export async function readOnce(
  readTables: () => Snapshot | undefined,
  cgroupNames: CgroupNames | undefined,
): Promise<Reading> {
  const begunAt = performance.now();
  const snapshot = readTables();
  if (snapshot) await cgroupNames?.resolve([...snapshot.rows, ...snapshot.failures].flatMap(({ id }) => id ?? []));
  return { begunAt, snapshot };
}
