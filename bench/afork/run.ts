/** Runs one case: sets up its surroundings, and runs the spawner in them. */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, freemem } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { type Case, mechanismsOf } from './cases.ts';
import type { Sample } from './samples.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const BUILT = `${ROOT}build/bench/afork`;
/** Memory for page tables, the spawner and other programs, in addition to the memory of the case. */
const SPARE_BYTES = 2 ** 30;

export interface Outcome {
  readonly samples: readonly Sample[];
  /** Resident memory of the Node process. */
  readonly residentBytes?: number;
  /** Why the case could not be measured here. */
  readonly skipped?: string;
}

type Helper = ChildProcessByStdio<Writable, Readable, null>;

export async function runCase(measured: Case, rounds: number): Promise<Outcome> {
  const { bytes, hogsPerCpu, gateMs } = measured;
  if (freemem() < bytes + SPARE_BYTES) return { samples: [], skipped: 'too little free memory' };
  const program = `${BUILT}/tiny`;
  const helpers: Helper[] = [];
  try {
    if (hogsPerCpu) helpers.push(await startHelper('hogs', [String(hogsPerCpu * availableParallelism())]));
    if (gateMs) helpers.push(await startHelper('gate', [program, String(gateMs)]));
    return await runSpawner(measured, program, Math.max(2, Math.round(rounds * (measured.share ?? 1))));
  } catch (error) {
    if (error instanceof NotHere) return { samples: [], skipped: error.message };
    throw error;
  } finally {
    await Promise.all(helpers.map(stopHelper));
  }
}

class NotHere extends Error {}

/** Starts a helper that ends when its standard input ends, and so also when this process is killed. */
async function startHelper(name: string, args: readonly string[]): Promise<Helper> {
  const helper = spawn(`${BUILT}/${name}`, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: helper.stdout })) {
    if (line === 'ready') return helper;
    throw new NotHere(line);
  }
  throw new Error(`${name} ended before it was ready`);
}

async function stopHelper(helper: Helper): Promise<void> {
  const ended = helper.exitCode === null ? once(helper, 'exit') : undefined;
  helper.stdin.end();
  await ended;
}

async function runSpawner(measured: Case, program: string, rounds: number): Promise<Outcome> {
  const pages = measured.hugePages ? 'huge' : 'small';
  const command =
    measured.side === 'C' ? spawnerInC(measured, program, rounds) : spawnerInNode(measured, program, rounds);
  // If the system gives huge pages only on request, malloc() must request them.
  const env = measured.hugePages ? { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' } : process.env;
  const run = promisify(execFile)(`${BUILT}/prepare`, [pages, ...command], { env, maxBuffer: 2 ** 26 });
  const { stdout } = await run.catch((error: Error & { stderr: string }) => {
    throw new Error(`${measured.side}, ${measured.name}: ${error.stderr.trim() || error.message}`);
  });
  const rows = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Sample | { readonly residentBytes: number });
  const samples = rows.filter((row) => 'mechanism' in row);
  const residentBytes = rows.find((row) => 'residentBytes' in row)?.residentBytes;
  return { samples, ...(residentBytes && { residentBytes }) };
}

function spawnerInC(measured: Case, program: string, rounds: number): readonly string[] {
  const { bytes, hugePages, descriptors = 0, maps } = measured;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const memory = [String(bytes), hugePages ? 'huge' : 'small', String(descriptors), maps ? 'map' : 'quiet'];
  return [`${BUILT}/spawner`, program, String(rounds), String(seed), ...memory, ...mechanismsOf(measured)];
}

function spawnerInNode({ bytes, descriptors = 0 }: Case, program: string, rounds: number): readonly string[] {
  const script = `${ROOT}bench/afork/node-spawner.ts`;
  const packages = [`${ROOT}native/afork`, `${BUILT}/package`];
  return [
    process.execPath,
    ...process.execArgv,
    script,
    program,
    String(rounds),
    String(bytes),
    String(descriptors),
    ...packages,
  ];
}
