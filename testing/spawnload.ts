/** Runs spawnload for tests on the live kernel, with amounts and names that suit any machine. */
import { runSpawnload, type Truth } from '../native/spawnload/spawnload.ts';

export { SPAWNLOAD } from '../native/spawnload/spawnload.ts';

export const spawnload = (...args: (string | number)[]): Promise<Truth> => runSpawnload(args.map(String));

/** Emulated kernels are some 20 times slower; there, loads are cut to this fraction. */
const SCALE = Number(process.env['FORKTAX_TEST_SCALE'] ?? 1);

export const scaled = (count: number) => Math.max(10, Math.round(count * SCALE));

let serial = 0;

/** Gives a comm that no other row has. */
export const uniqueComm = () => `t${process.pid}-${++serial}`.slice(0, 15);
