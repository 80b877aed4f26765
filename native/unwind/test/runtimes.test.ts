import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Unwound } from '../../../collector/model/frames.ts';
import { openUnwinder, type StackSample } from '../../../collector/system/unwinder.ts';
import { catchSpawn, compileChain, names, OPTIMIZED, unwindSpawn, Workshop, type CatchOptions } from './catch.ts';

const workshop = new Workshop();
after(() => workshop[Symbol.dispose]());

const missing = (...program: readonly [string, ...string[]]): string | false =>
  spawnSync(program[0], program.slice(1)).status === 0 ? false : `${program[0]} is not installed`;

const write = (name: string, text: string): string => {
  const path = join(workshop.folder, name);
  writeFileSync(path, text);
  return path;
};

/** Finds each name in turn, going outward. */
function assertOrder(unwound: Unwound, wanted: readonly RegExp[]): void {
  let at = -1;
  for (const each of wanted) {
    const next = names(unwound).findIndex((name, i) => i > at && each.test(name));
    assert.notEqual(next, -1, `${each} is missing after ${at} in:\n${names(unwound).join('\n')}`);
    at = next;
  }
}

async function unwindWhole(command: readonly string[], options?: CatchOptions): Promise<Unwound> {
  const unwound = await unwindSpawn(command, options);
  assert.equal(unwound.end, 'complete', names(unwound).join('\n'));
  return unwound;
}

async function unwindOnce(sample: StackSample): Promise<Unwound> {
  const unwinder = openUnwinder();
  const unwound = await unwinder.unwind(sample);
  unwinder.close();
  return unwound;
}

const SCRIPT = 'function shop() { require("child_process").spawnSync("true"); } shop();';

test('Node.js: through the interpreter of JavaScript, which has frame pointers only, to main', async () => {
  const unwound = await unwindWhole([process.execPath, '-e', SCRIPT]);
  assertOrder(unwound, [/^uv_spawn$/, /SyncProcessRunner::Spawn/, /^Builtins_JSEntry/, /^node::Start\(/, /^_start$/]);
  const how = new Set(unwound.frames.map((frame) => frame.how));
  assert.deepEqual([...how].toSorted(), ['cfi', 'frame-pointer', 'registers']);
});

const PROFILED = [
  process.execPath,
  '--perf-basic-prof',
  '--interpreted-frames-native-stack',
  '--no-lazy',
  '-e',
  SCRIPT,
] as const;
const PROFILED_ORDER = [/^uv_spawn$/, /spawnSync node:child_process/, /shop \[eval\]/, /^node::Start\(/];

test('Node.js --perf-basic-prof: the names of JavaScript functions, from /tmp/perf-PID.map', async () => {
  const caught = await catchSpawn(PROFILED);
  try {
    assertOrder(await unwindOnce(caught.sample), PROFILED_ORDER);
  } finally {
    await caught.end();
    rmSync(`/tmp/perf-${caught.sample.pid}.map`);
  }
});

test(
  'the same in a container, whose pids and /tmp are its own',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async () => {
    // The checkout stays where it is, even in /tmp.
    const script = 'cd "$0" && mount -t tmpfs tmpfs /tmp && mkdir -p "$0" && mount -c --bind . "$0" && exec "$@"';
    const checkout = fileURLToPath(new URL('../../..', import.meta.url));
    const inside = [
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
      'sh',
      '-c',
      script,
      checkout,
    ];
    const caught = await catchSpawn(PROFILED, { inside });
    try {
      const pid = outerPid(caught.sample.pid);
      assert.notEqual(pid, caught.sample.pid);
      assertOrder(await unwindOnce({ ...caught.sample, pid }), PROFILED_ORDER);
    } finally {
      await caught.end();
    }
  },
);

/** The pid here of the process that has this pid in another namespace. */
function outerPid(inner: number): number {
  const isIt = (pid: string): boolean => {
    try {
      return new RegExp(`^NSpid:\\t${pid}\\t(\\d+\\t)*${inner}$`, 'm').test(
        readFileSync(`/proc/${pid}/status`, 'utf8'),
      );
    } catch {
      return false; // it has ended
    }
  };
  return Number(readdirSync('/proc').find((name) => /^\d+$/.test(name) && isIt(name)));
}

test('Python', { skip: missing('/usr/bin/python3', '--version') }, async () => {
  const unwound = await unwindWhole(['/usr/bin/python3', '-c', 'import subprocess; subprocess.run(["true"])']);
  assertOrder(unwound, [/vfork|fork/, /^_PyEval_EvalFrameDefault$/, /^Py_RunMain$/, /^_start$/]);
});

test('Java: through the interpreter to the start of its thread', { skip: missing('java', '--version') }, async () => {
  const source =
    'class Shop { public static void main(String[] a) throws Exception { new ProcessBuilder("true").start(); } }';
  const unwound = await unwindWhole(['java', write('Shop.java', source)]);
  assertOrder(unwound, [/^Java_java_lang_ProcessImpl_forkAndExec$/, /^JavaCalls::call_helper/, /^JavaMain$/]);
});

test(
  'musl has no call frame information: its vfork is passed, and the chain ends or goes on honestly',
  { skip: missing('musl-gcc', '--version') },
  async () => {
    const program = workshop.compile('musl', 'musl-gcc', ...OPTIMIZED, '-static', 'chain.c', 'middle.c');
    const vfork = await unwindSpawn([program, 'vfork']);
    assert.equal(vfork.frames[0]?.symbol, 'vfork');
    assertOrder(vfork, [/^vfork$/, /^by_vfork$/, /^spawn$/, /^middle$/, /^outer$/, /^main$/]);
    assert.equal(vfork.frames[1]?.how, 'return-address');
    const spawned = await unwindSpawn([program, 'posix_spawn']);
    assert.match(spawned.frames[0]?.symbol ?? '', /clone/);
    assert.equal(spawned.end, 'no-unwind-info');
  },
);

test('32-bit programs are told', { skip: process.arch !== 'x64' && 'x86-64 only' }, async (context) => {
  const built = spawnSync('gcc', ['-m32', '-x', 'c', '-', '-o', join(workshop.folder, 'small')], {
    input: '#include <unistd.h>\nint main(void) { return fork() < 0; }',
  });
  if (built.status !== 0) {
    context.skip('gcc -m32 has no libraries');
    return;
  }
  assert.deepEqual(await unwindSpawn([join(workshop.folder, 'small')]), { frames: [], end: 'unsupported' });
});

test('a _start without call frame information is the outermost frame', async () => {
  const sources = ['start.c', 'chain.c', 'middle.c'];
  const program = workshop.compile('start', 'gcc', ...OPTIMIZED, '-nostartfiles', ...sources);
  const unwound = await unwindWhole([program, 'fork']);
  assert.deepEqual(names(unwound).slice(-6), ['spawn', 'middle', 'outer', 'main', 'begin', '_start']);
});

test('a library without call frame information is where the chain ends, and it is named', async () => {
  const chain = compileChain(workshop);
  const bare = ['-fno-asynchronous-unwind-tables', '-fno-unwind-tables'];
  const library = workshop.compile('libmiddle.so', 'gcc', ...OPTIMIZED, ...bare, '-shared', '-fPIC', 'middle.c');
  const unwound = await unwindSpawn([chain, 'fork']);
  assert.equal(unwound.end, 'no-unwind-info');
  assert.deepEqual(names(unwound).slice(-3), ['by_fork', 'spawn', 'middle']);
  assert.equal(unwound.frames.at(-1)?.module, library);
});
