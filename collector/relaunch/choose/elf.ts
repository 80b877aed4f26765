/** Reads the parts of an ELF file, elf(5), that tell which functions of libc a program calls. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Elf {
  readonly bits: 32 | 64;
  /** From `e_machine`, by Node's name; undefined for an architecture that is not in the list. */
  readonly architecture: string | undefined;
  /** The dynamic loader. Statically linked programs and libraries have none. */
  readonly interpreter?: string;
  readonly needed: readonly string[];
  /** The directories of DT_RUNPATH and DT_RPATH, with `$ORIGIN` as it is written. */
  readonly runPath: readonly string[];
  /** The functions and variables that it takes from libraries. */
  readonly imports: ReadonlySet<string>;
  /** True if Go's linker made it. */
  readonly isGo: boolean;
  /** Tells whether a dynamic symbol, imported or exported, has this name. */
  namesSymbol(name: string): boolean;
}

const MACHINES: Readonly<Record<number, string>> = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64', 243: 'riscv64' };
const [PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE] = [1, 2, 3, 4];
const [DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ] = [1, 4, 5, 6, 10];
const [DT_RPATH, DT_RUNPATH, DT_GNU_HASH] = [15, 29, 0x6ffffef5];
const SYMBOL_BYTES = 24;
const PROGRAM_HEADER_BYTES = 56;
/** The largest table that is read. A larger one is damage: the string table of Node takes 6 MB. */
const MOST_BYTES = 1 << 28;

/**
 * Gives undefined if the file cannot be read (a program may be executable and not readable), is not an ELF file, or is
 * damaged. A 32-bit file has its architecture only.
 */
export function tryReadElf(path: string): Elf | undefined {
  const file = tryOpen(path);
  if (file === undefined) return undefined;
  try {
    return parse(reader(file));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    closeSync(file);
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

type Read = (offset: number, size: number) => Buffer;

function reader(file: number): Read {
  return (offset, size) => {
    if (size > MOST_BYTES) throw new RangeError('damaged');
    const bytes = Buffer.alloc(size);
    if (readSync(file, bytes, 0, size, offset) < size) throw new RangeError('cut short');
    return bytes;
  };
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function parse(read: Read): Elf | undefined {
  const header = read(0, 64);
  if (header.toString('latin1', 0, 4) !== '\x7fELF' || header[5] !== 1) return undefined;
  const architecture = MACHINES[header.readUInt16LE(18)];
  if (header[4] === 1) return bare(32, architecture);
  const segments = readSegments(read, header);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  return {
    ...bare(64, architecture),
    ...(interpreter && { interpreter: text(read(interpreter.offset, interpreter.size), 0) }),
    ...readDynamic(read, segments),
    isGo: segments.some((segment) => segment.type === PT_NOTE && isGoNote(read(segment.offset, segment.size))),
  };
}

function bare(bits: 32 | 64, architecture: string | undefined): Elf {
  const none = { needed: [], runPath: [], imports: new Set<string>(), isGo: false };
  return { bits, architecture, ...none, namesSymbol: () => false };
}

function readSegments(read: Read, header: Buffer): Segment[] {
  const table = read(number(header, 32), header.readUInt16LE(56) * PROGRAM_HEADER_BYTES);
  return Array.from({ length: table.length / PROGRAM_HEADER_BYTES }, (_, i) => {
    const at = i * PROGRAM_HEADER_BYTES;
    const [offset, address, size] = [number(table, at + 8), number(table, at + 16), number(table, at + 32)];
    return { type: table.readUInt32LE(at), offset, address, size };
  });
}

/** Go's linker writes `.note.go.buildid` into every program. */
function isGoNote(note: Buffer): boolean {
  return note.includes('\x04\0\0\0Go\0\0', 0, 'latin1');
}

function readDynamic(read: Read, segments: readonly Segment[]): Partial<Elf> {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (!dynamic) return {};
  const entries = pairs(read(dynamic.offset, dynamic.size));
  const valueOf: ValueOf = (tag) => entries.find(([each]) => each === tag)?.[1];
  const strings = read(offsetOf(segments, valueOf(DT_STRTAB)), valueOf(DT_STRSZ) ?? 0);
  const stringsOf = (tag: number): string[] =>
    entries.filter(([each]) => each === tag).map(([, value]) => text(strings, value));
  return {
    needed: stringsOf(DT_NEEDED),
    runPath: [...stringsOf(DT_RUNPATH), ...stringsOf(DT_RPATH)].flatMap((path) => path.split(':')),
    imports: readImports(strings, () => {
      const count = countSymbols(read, segments, valueOf);
      return read(offsetOf(segments, valueOf(DT_SYMTAB)), count * SYMBOL_BYTES);
    }),
    namesSymbol: (name) => strings.includes(`\0${name}\0`, 0, 'latin1'),
  };
}

function pairs(bytes: Buffer): (readonly [tag: number, value: number])[] {
  return Array.from({ length: Math.floor(bytes.length / 16) }, (_, i) => {
    return [number(bytes, i * 16), number(bytes, i * 16 + 8)] as const;
  });
}

function readImports(strings: Buffer, readSymbols: () => Buffer): Set<string> {
  const symbols = readSymbols();
  const imports = new Set<string>();
  for (let at = SYMBOL_BYTES; at + SYMBOL_BYTES <= symbols.length; at += SYMBOL_BYTES) {
    const isUndefined = symbols.readUInt16LE(at + 6) === 0;
    if (isUndefined) imports.add(text(strings, symbols.readUInt32LE(at)));
  }
  return imports;
}

type ValueOf = (tag: number) => number | undefined;

/** No field says how many dynamic symbols there are. Each of the two kinds of hash table tells it. */
function countSymbols(read: Read, segments: readonly Segment[], valueOf: ValueOf): number {
  const gnuHash = valueOf(DT_GNU_HASH);
  if (gnuHash !== undefined) return countByGnuHash(read, offsetOf(segments, gnuHash));
  const hash = valueOf(DT_HASH);
  return hash === undefined ? 0 : read(offsetOf(segments, hash), 8).readUInt32LE(4);
}

/**
 * The chains of a GNU hash table hold the last symbols of the symbol table. Each bucket holds the number of its chain's
 * first symbol. The last hash value of a chain is odd.
 */
function countByGnuHash(read: Read, offset: number): number {
  const header = read(offset, 16);
  const [buckets, first, bloomWords] = [header.readUInt32LE(0), header.readUInt32LE(4), header.readUInt32LE(8)];
  const bucketsAt = offset + 16 + bloomWords * 8;
  const table = read(bucketsAt, buckets * 4);
  let last = 0;
  for (let at = 0; at < table.length; at += 4) last = Math.max(last, table.readUInt32LE(at));
  if (last < first) return first;
  const chainsAt = bucketsAt + buckets * 4;
  while (!(read(chainsAt + (last - first) * 4, 4).readUInt32LE(0) & 1)) last++;
  return last + 1;
}

/** Gives the offset in the file of an address in memory. */
function offsetOf(segments: readonly Segment[], address: number | undefined): number {
  if (address === undefined) throw new RangeError('no such table');
  const holds = ({ type, address: start, size }: Segment): boolean =>
    type === PT_LOAD && address >= start && address < start + size;
  const segment = segments.find(holds);
  if (!segment) throw new RangeError('an address outside of the file');
  return segment.offset + (address - segment.address);
}

function number(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

function text(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, Math.max(at, bytes.indexOf(0, at)));
}
