/** The addon closes everything that it opens, on every path and in every thread. kernel.h matches this kernel. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { attachProbes } from '../../../engine/core/attach.ts';
import { eventsReader } from '../../../engine/core/decode.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../../model/options.ts';
import { loadNative, probesPath } from '../../../system/native.ts';
import { prepareSpawnload } from '../../../../native/spawnload/spawnload.ts';
import { openEngine } from '../../../../testing/engines.ts';

const openFiles = () => readdirSync('/proc/self/fd').length;

test('no descriptor stays open, whether loading works or fails', () => {
  const native = loadNative();
  openEngine().close();
  const before = openFiles();
  for (let i = 0; i < 5; i++) {
    openEngine().close();
    assert.throws(() => openEngine({ maxSpawners: 0 }), /./);
    assert.throws(() => new native.BpfObject('/nonexistent.o'), /cannot open the BPF object/);
    const unloaded = new native.BpfObject(probesPath);
    assert.throws(() => unloaded.attach('task_newtask'), /no program/);
    assert.throws(() => unloaded.readMap('costs', new Uint8Array(1), new Uint8Array(1)), /no map/);
    assert.throws(() => unloaded.setRodata('page_size', new Uint8Array(3)), /has 8 bytes/);
    assert.throws(() => unloaded.setRodata('no_such', new Uint8Array(3)), /no global variable/);
    unloaded.close();
    unloaded.close();
  }
  assert.equal(openFiles(), before);
});

test('an engine in each of several threads, and threads that end without closing theirs', async () => {
  const before = openFiles();
  const core = new URL('../../../engine/core/engine.ts', import.meta.url).href;
  const options = new URL('../../../model/options.ts', import.meta.url).href;
  const code = `
    const { openCoreEngine } = await import(${JSON.stringify(core)});
    const { DEFAULT_ENGINE_OPTIONS } = await import(${JSON.stringify(options)});
    const opened = openCoreEngine(DEFAULT_ENGINE_OPTIONS);
    opened.snapshot();
    process.exit(0);`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const exits = Array.from({ length: 3 }, async () => {
    const worker = new Worker(url);
    worker.on('error', (error) => assert.fail(error));
    return new Promise<number>((resolve) => worker.once('exit', resolve));
  });
  assert.deepEqual(await Promise.all(exits), [0, 0, 0]);
  assert.equal(openFiles(), before);
});

test('records of two sizes are read to the last one, and never beyond the buffer', async () => {
  const count = 20;
  const load = await prepareSpawnload(['--count', `${count}`]);
  const options = { ...DEFAULT_ENGINE_OPTIONS, filter: { pid: load.pid }, details: ['arguments'] as const };
  const { object } = attachProbes(options);
  try {
    const sizeOf = (name: string): number => object.layout(name).size;
    const capacity = sizeOf('event') + sizeOf('ancestors') + sizeOf('arguments');
    const memory = Buffer.alloc(2 * capacity, 0xaa);
    const readEvents = eventsReader({
      layout: (name) => object.layout(name),
      bytes: memory,
      nameBy: 'comm',
      siblings: true,
    });
    object.writeGlobal('streaming', Uint8Array.of(1, 0, 0, 0));
    await load.go();
    const kinds: Record<string, number> = {};
    for (;;) {
      const size = object.drainRing('events', memory.subarray(0, capacity));
      if (size === 0) break;
      assert.ok(memory.subarray(capacity).every((byte) => byte === 0xaa));
      for (const { kind } of readEvents(size, 0)) kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    assert.deepEqual(kinds, { spawn: count, exec: count, exit: count });
    assert.throws(() => object.openRing('events', 1), /cannot open the ring events/);
  } finally {
    object.close();
  }
});

interface BtfType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly type_id?: number;
  readonly members?: readonly { readonly name: string; readonly type_id: number }[];
}

const btfOf = (file: string) =>
  (
    JSON.parse(
      execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', file], { encoding: 'utf8', maxBuffer: 1 << 30 }),
    ) as {
      types: BtfType[];
    }
  ).types;

test('every field of kernel.h is one of the running kernel', () => {
  const kernel = btfOf('/sys/kernel/btf/vmlinux');
  const byId = new Map(kernel.map((type) => [type.id, type]));
  const isRecord = (type: BtfType) => type.kind === 'STRUCT' || type.kind === 'UNION';
  const withoutConst = (type?: BtfType) => (type?.kind === 'CONST' ? byId.get(type.type_id ?? 0) : type);
  /** Gives the members, with those of unnamed structs and unions. */
  const fieldsOf = (type: BtfType): string[] =>
    (type.members ?? []).flatMap(({ name, type_id }) => {
      const inner = withoutConst(byId.get(type_id));
      return name === '(anon)' && inner ? fieldsOf(inner) : [name];
    });
  const known = btfOf(probesPath).filter((type) => isRecord(type) && type.name !== '(anon)');
  let checked = 0;
  for (const type of known) {
    if (type.name.includes('___')) continue; // a flavour, which only some kernels have
    const same = kernel.find((each) => each.name === type.name && each.kind === type.kind);
    if (!same) continue; // our own, or of kernels before 6.2
    const fields = new Set(fieldsOf(same));
    for (const { name } of type.members ?? []) {
      assert.ok(fields.has(name), `struct ${type.name} has no ${name}`);
      checked++;
    }
  }
  assert.ok(checked >= 20, `only ${checked} fields compared`);
});

test('pages of the executable leave the resident set, and the program goes on', () => {
  const residentKib = (kind: string): number =>
    Number(new RegExp(`^${kind}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  // The pages of an executable on a tmpfs are shared memory.
  const filesKib = (): number => residentKib('RssFile') + residentKib('RssShmem');
  const [filesBefore, ownBefore] = [filesKib(), residentKib('RssAnon')];
  loadNative().releasePages();
  const [files, own] = [filesKib(), residentKib('RssAnon')];
  assert.ok(files < filesBefore / 2, `${filesBefore} KiB of files before, ${files} after`);
  assert.ok(own > ownBefore / 2, `${ownBefore} KiB of its own before, ${own} after: nothing of it may be taken`);
  assert.equal(new Intl.NumberFormat('en').format(1e6), '1,000,000');
});
