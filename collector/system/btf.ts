/**
 * Reads C enumerators from the BTF of a compiled BPF object. libbpf could read them too, but the bpftrace engine needs
 * them where libbpf cannot be loaded.
 *
 * The formats are in elf(5) and https://docs.kernel.org/bpf/btf.html. Only little-endian 64-bit objects are read.
 */

const BTF_MAGIC = 0xeb9f;
const TYPE_BYTES = 12;
const ENUM_KIND = 6;
const ENUMERATOR_BYTES = 8;

/** The number of bytes that follow a type, by its kind: once, or for each of its members. */
const BYTES_ONCE: Readonly<Record<number, number>> = { 1: 4, 3: 12, 14: 4, 17: 4 };
const BYTES_EACH: Readonly<Record<number, number>> = { 4: 12, 5: 12, 6: ENUMERATOR_BYTES, 13: 8, 15: 12, 19: 12 };

/**
 * Gives the value of each enumerator, as a signed 32-bit number.
 * @throws RangeError the file is damaged or has no BTF
 */
export function readEnumerators(object: Buffer): ReadonlyMap<string, number> {
  const btf = sectionOf(object, '.BTF');
  if (btf?.readUInt16LE(0) !== BTF_MAGIC) throw new RangeError('it has no BTF');
  const header = btf.readUInt32LE(4);
  const [types, typesBytes, strings] = [8, 12, 16].map((at) => btf.readUInt32LE(at)) as [number, number, number];
  const enumerators = new Map<string, number>();
  for (const at of enumeratorsOf(btf, header + types, header + types + typesBytes))
    enumerators.set(textAt(btf, header + strings + btf.readUInt32LE(at)), btf.readInt32LE(at + 4));
  return enumerators;
}

/** Gives the position of each enumerator in the types between `start` and `end`. */
function* enumeratorsOf(btf: Buffer, start: number, end: number): Generator<number> {
  for (let at = start; at < end;) {
    const info = btf.readUInt32LE(at + 4);
    const kind = (info >> 24) & 0x1f;
    const members = info & 0xffff;
    const first = at + TYPE_BYTES;
    at = first + (BYTES_ONCE[kind] ?? 0) + (BYTES_EACH[kind] ?? 0) * members;
    if (kind === ENUM_KIND) for (let i = 0; i < members; i++) yield first + i * ENUMERATOR_BYTES;
  }
}

/** Finds a section by the section headers of an ELF file. */
function sectionOf(object: Buffer, name: string): Buffer | undefined {
  const [table, size, count, namesIndex] = [
    Number(object.readBigUInt64LE(0x28)),
    object.readUInt16LE(0x3a),
    object.readUInt16LE(0x3c),
    object.readUInt16LE(0x3e),
  ];
  const section = (index: number): Buffer => {
    const header = table + index * size;
    const offset = Number(object.readBigUInt64LE(header + 0x18));
    return object.subarray(offset, offset + Number(object.readBigUInt64LE(header + 0x20)));
  };
  const names = section(namesIndex);
  for (let i = 0; i < count; i++) if (textAt(names, object.readUInt32LE(table + i * size)) === name) return section(i);
  return undefined;
}

function textAt(bytes: Buffer, start: number): string {
  return bytes.toString('latin1', start, bytes.indexOf(0, start));
}
