/** Runs spawnload, the generator of known spawns, and gives what it says that it did. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const SPAWNLOAD = fileURLToPath(new URL('../../../native/spawnload/build/spawnload', import.meta.url));

export interface SpawnReport {
  readonly pid: number;
  readonly comm: string;
  readonly attempted: number;
  readonly spawned: number;
  /** By errno's name. */
  readonly failures: Readonly<Record<string, number>>;
  readonly execFailures: Readonly<Record<string, number>>;
  /** The caller's own clock around each call. */
  readonly stallNs: { readonly sum: number; readonly min: number; readonly max: number };
  /** Own resident bytes before each spawn. */
  readonly rssBytes: { readonly sum: number; readonly min: number; readonly max: number };
  /** Of the first 1,000. */
  readonly spawns: readonly { readonly pid: number; readonly stallNs: number }[];
}

export async function spawnload(...args: (string | number)[]): Promise<SpawnReport> {
  const child = spawn(SPAWNLOAD, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = (await child.stdout.toArray()).map(String).join('');
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== 0) throw new Error(`spawnload ${args.join(' ')}: exit ${child.exitCode}`);
  return JSON.parse(output) as SpawnReport;
}

/** Emulated kernels are some 20 times slower; there, loads are cut to this fraction. */
const SCALE = Number(process.env['FORKTAX_TEST_SCALE'] ?? 1);

export const scaled = (count: number) => Math.max(10, Math.round(count * SCALE));

let serial = 0;

/** A comm that no other row has. */
export const uniqueComm = () => `t${process.pid}-${++serial}`.slice(0, 15);
