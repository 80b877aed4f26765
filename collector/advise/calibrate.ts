/** Measures what one spawn by afork costs on this host. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ForktaxError } from '../model/errors.ts';
import { builtFile } from '../system/built-file.ts';

const SPAWNLOAD = builtFile('native/spawnload/build/spawnload');

export const CALIBRATION_SPAWNS = 100;

/**
 * Gives the median stall of CALIBRATION_SPAWNS spawns, in nanoseconds.
 * @throws FORKTAX_NO_NATIVE
 */
export async function calibrateAfork(): Promise<number> {
  try {
    const args = ['--mechanism', 'afork', '--count', String(CALIBRATION_SPAWNS)];
    const { stdout } = await promisify(execFile)(SPAWNLOAD, args);
    const { spawns } = JSON.parse(stdout) as { spawns: { stallNs: number }[] };
    return median(spawns.map(({ stallNs }) => stallNs));
  } catch (cause) {
    const message = `the cost of afork on this host could not be measured: ${(cause as Error).message}`;
    throw new ForktaxError('FORKTAX_NO_NATIVE', message, { cause });
  }
}

function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[values.length >> 1];
  if (middle === undefined) throw new RangeError('no spawns');
  return middle;
}
