/**
 * Counters that go on without a collector. Maps and attached programs are files on a BPF filesystem, and live for as long as
 * those do:
 *
 *     FOLDER/LAYOUT/MAP                       the maps; LAYOUT is a hash of how they are built
 *     FOLDER/LAYOUT/programs-GENERATION/NAME  the programs; GENERATION is a hash of them and of their constants
 *
 * A collector that finds its own programs there lets them run. Other programs are attached beside them and take over in one
 * moment (`is_inactive` in probes/filter.bpf.h). Maps of another layout are removed, and counting begins anew.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ForktaxError } from '../../model/errors.ts';
import type { Engine } from '../../model/engine.ts';
import { reasonOf } from '../shared/native-reason.ts';
import type { BpfObject, NativeBpf, NativeError } from '../../system/native.ts';

const BPF_FS_MAGIC = 0xcafe4a11;
const PROGRAMS = 'programs-';

/** Structs whose layout the maps have. Variables are in the section .bss. */
const LAYOUTS = ['cost_key', 'cost_row', 'failure_key', 'call_place', 'process_place', 'event', '.bss'];

export class Pins {
  readonly #folder: string;
  readonly #lock: number;
  /** The layouts that were there at first. */
  readonly #found: readonly string[];

  /** @throws FORKTAX_PIN The folder cannot be used, or another collector uses it. */
  constructor(native: NativeBpf, folder: string) {
    this.#folder = folder;
    requireBpfFilesystem(existsSync(folder) ? folder : dirname(folder));
    create(folder);
    this.#lock = inFolder(folder, () => openSync(folder, 'r'));
    if (!native.tryLock(this.#lock)) {
      closeSync(this.#lock);
      throw new ForktaxError('FORKTAX_PIN', `another collector keeps its counters in ${folder}`);
    }
    this.#found = this.#layouts();
  }

  /** @param sizes whatever else decides what the maps hold */
  placeFor(object: BpfObject, sizes: readonly (string | number)[], programs: readonly unknown[]): Place {
    const layout = hash([sizes, LAYOUTS.map((name) => object.layout(name))]);
    return new Place(join(this.#folder, layout), hash(programs));
  }

  /** Other programs may keep their maps in the same folder. */
  #layouts(): string[] {
    return readdirSync(this.#folder).filter((name) => HASH.test(name));
  }

  /** Removes what `place` replaces. */
  removeOthers(place: Place): void {
    for (const name of this.#layouts()) if (join(this.#folder, name) !== place.folder) remove(this.#folder, name);
    place.removeOtherPrograms();
  }

  /** Undefined if the error is not about a map that is pinned already. */
  refusal(error: NativeError): ForktaxError | undefined {
    const [, map] = /pinned map '([^']*)'/.exec(error.log) ?? [];
    if (map === undefined) return undefined;
    const message = `the counters that are kept at ${map} cannot be opened: ${reasonOf(error)}; they may be another user's`;
    return new ForktaxError('FORKTAX_PIN', message, { detail: error.log, cause: error });
  }

  /** What became of the counters that were there. */
  historyOf({ folder }: Place): NonNullable<Engine['history']> {
    if (this.#found.some((name) => join(this.#folder, name) === folder)) return 'continued';
    return this.#found.length > 0 ? 'other-layout' : 'new';
  }

  close(): void {
    closeSync(this.#lock);
  }
}

/** Where the maps of one layout are, and the programs of one generation. */
export class Place {
  readonly folder: string;
  readonly #programs: string;
  readonly generation: bigint;

  constructor(folder: string, generation: string) {
    this.folder = folder;
    this.#programs = `${PROGRAMS}${generation}`;
    this.generation = BigInt(`0x${generation}`);
  }

  create(): void {
    create(this.folder);
  }

  pathOf(program: string): string {
    return join(this.folder, this.#programs, program);
  }

  has(program: string): boolean {
    return existsSync(this.pathOf(program));
  }

  /** Whether the programs of this generation, and no others, are attached. */
  isOnlyGeneration(): boolean {
    return existsSync(this.folder) && this.#generations().join() === this.#programs;
  }

  beginPrograms(): void {
    this.removePrograms();
    create(join(this.folder, this.#programs));
  }

  removePrograms(): void {
    remove(this.folder, this.#programs);
  }

  removeOtherPrograms(): void {
    for (const name of this.#generations()) if (name !== this.#programs) remove(this.folder, name);
  }

  #generations(): string[] {
    return readdirSync(this.folder).filter((name) => name.startsWith(PROGRAMS));
  }
}

function create(folder: string): void {
  inFolder(folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
}

function remove(folder: string, name: string): void {
  inFolder(folder, () => rmSync(join(folder, name), { recursive: true, force: true }));
}

/** The folder may be a file, have a name that BPF filesystems do not allow, or be another user's. */
function inFolder<T>(folder: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const message = `counters cannot be kept in ${folder}: ${(cause as Error).message}`;
    throw new ForktaxError('FORKTAX_PIN', message, { cause });
  }
}

const HASH = /^f[0-9a-f]{15}$/;

/** 64 bits, as the probes hold a generation; never 0. */
function hash(value: unknown): string {
  return `f${createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 15)}`;
}

function requireBpfFilesystem(path: string): void {
  let type: number;
  try {
    ({ type } = statfsSync(path));
  } catch (cause) {
    throw new ForktaxError('FORKTAX_PIN', `${path} cannot be reached`, { cause });
  }
  if (type >>> 0 !== BPF_FS_MAGIC) throw new ForktaxError('FORKTAX_PIN', `${path} is not on a BPF filesystem`);
}
