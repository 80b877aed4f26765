/** The small parts, each alone. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commandLine } from '../lib/arguments.ts';
import { bpftraceEnvironment } from '../lib/environment.ts';
import { type Message, type RunOptions, atLeast, parseVersion, quote, script, splitKey } from '../lib/index.ts';
import { LineSplitter } from '../lib/lines.ts';
import { MessageQueue } from '../lib/queue.ts';
import { findMaps, withHeartbeat } from '../lib/script.ts';
import type { Version } from '../lib/version.ts';

function version(text: string): Version {
  const parsed = parseVersion(text);
  assert.ok(parsed);
  return parsed;
}

test('versions, as bpftrace prints them', () => {
  assert.deepEqual(version('bpftrace v0.17.0\n'), { major: 0, minor: 17, patch: 0, text: '0.17.0' });
  assert.equal(version('bpftrace v0.23.0-12-gabc123').text, '0.23.0-12-gabc123');
  assert.deepEqual(version('0.20'), { major: 0, minor: 20, patch: 0, text: '0.20' });
  assert.equal(parseVersion('bpftrace'), undefined);
  assert.ok(
    atLeast(version('0.17.0'), '0.17') && atLeast(version('1.0'), '0.26.1') && atLeast(version('0.20.2'), '0.20.2'),
  );
  assert.ok(!atLeast(version('0.9.4'), '0.17') && !atLeast(version('0.20.1'), '0.20.2'));
});

describe('parameters', () => {
  const args = (parameters: RunOptions['parameters'] & object, v = '0.17.0'): readonly string[] =>
    commandLine({ script: { text: '' }, parameters }, [], version(v));

  test('come last, where nothing is an option', () => {
    assert.deepEqual(args(['-e', '--unsafe', 'x; exit()', -5, 2n ** 63n - 1n]).slice(-7), [
      '--',
      '-',
      '-e',
      '--unsafe',
      'x; exit()',
      '-5',
      '9223372036854775807',
    ]);
  });

  test('that cannot be passed are refused by name', () => {
    for (const bad of [2 ** 53, 1.5, NaN, 2n ** 63n, -(2n ** 63n) - 1n, 'a\0b']) {
      assert.throws(() => args(['good', bad]), { code: 'BPFTRACE_OPTION', message: /^Parameter \$2 / }, String(bad));
    }
    assert.throws(() => args(['--unsafe'], '0.24.0'), { code: 'BPFTRACE_OPTION', message: /named parameter/ });
  });

  test('-k only where helper errors are not reported without it', () => {
    const line = (v: string, options: object = {}): string[] =>
      commandLine({ script: { text: '' }, ...options }, [], version(v));
    assert.ok(line('0.22.1').includes('-k') && !line('0.23.0').includes('-k'));
    assert.ok(!line('0.17.0', { helperErrors: false }).includes('-k'));
    assert.ok(line('0.23.0', { helperErrors: false }).includes('--no-warnings'));
    assert.ok(!line('0.22.1', { helperErrors: false }).includes('--no-warnings'));
  });
});

describe('literals', () => {
  test('hold any string, and nothing but that string', () => {
    assert.equal(quote('plain %s'), '"plain %s"');
    assert.equal(quote('"; exit(); //\\'), String.raw`"\042; exit(); //\134"`);
    assert.equal(quote('1\n2é'), String.raw`"1\0122\303\251"`);
    assert.throws(() => quote('\0'), { code: 'BPFTRACE_OPTION' });
  });

  test('in a template whose own text stays raw', () => {
    const text = script`BEGIN { printf("%s\n", ${'a"b'}); @ = 1 -${-1} + ${2n ** 64n - 1n}; }`;
    assert.equal(text, String.raw`BEGIN { printf("%s\n", "a\042b"); @ = 1 -(-1) + 18446744073709551615; }`);
    assert.throws(() => script`${2 ** 53}`, { code: 'BPFTRACE_OPTION' });
  });
});

test('settings have the name that the version knows, and inherited ones do not reach it', () => {
  const settings = { maxMapKeys: 10, maxStringBytes: 100, bufferPages: 8, btf: '/b' };
  const inherited = { PATH: '/bin', BPFTRACE_STRLEN: '7', BPFTRACE_PATH: '/x' };
  assert.deepEqual(bpftraceEnvironment(inherited, settings, version('0.17.0')), {
    PATH: '/bin',
    BPFTRACE_MAP_KEYS_MAX: '10',
    BPFTRACE_STRLEN: '100',
    BPFTRACE_PERF_RB_PAGES: '8',
    BPFTRACE_BTF: '/b',
  });
  const later = bpftraceEnvironment({}, settings, version('0.20.0'));
  assert.equal(later['BPFTRACE_MAX_MAP_KEYS'], '10');
  assert.equal(later['BPFTRACE_MAX_STRLEN'], '100');
  for (const bad of [{ maxMapKeys: 0 }, { bufferPages: 3 }, { maxStringBytes: 201 }]) {
    assert.throws(() => bpftraceEnvironment({}, bad, version('0.20.4')), { code: 'BPFTRACE_OPTION' });
  }
  assert.equal(bpftraceEnvironment({}, { maxStringBytes: 1024 }, version('0.21.0'))['BPFTRACE_MAX_STRLEN'], '1024');
});

describe('scripts', () => {
  test('whose maps have keys or linear histograms', () => {
    const maps = findMaps(`
      // @comment[1] = lhist(1);  /* @other[1] */
      BEGIN { printf("@text[1] = lhist("); @ = 1; @plain = lhist(1, 0, 2, 1); @keyed[pid, comm] = lhist(1, 0, 2, 1); }
      uprobe:/opt/*/lib*/libc.so:malloc /@set [tid] == 1/ { @h = hist(1); }`);
    assert.deepEqual([...maps.keyed], ['@keyed', '@set']);
    assert.deepEqual([...maps.linear], ['@plain', '@keyed']);
    assert.deepEqual([...maps.known], ['@', '@plain', '@keyed', '@set', '@h']);
  });

  test('that would swallow the heartbeat', () => {
    assert.match(
      withHeartbeat('BEGIN { } // end', 'beat', 250),
      /\/\/ end\ninterval:ms:250 \{ printf\("beat\\n"\); \}\n$/,
    );
    assert.throws(() => withHeartbeat('BEGIN { }\n/* "open', 'beat', 250), {
      code: 'BPFTRACE_SCRIPT',
      message: /line 2/,
    });
    assert.doesNotThrow(() => withHeartbeat('uprobe:/opt/*:f { printf("/*"); } // /*', 'beat', 250));
  });
});

test('keys taken apart leave the commas to the last part', () => {
  assert.deepEqual(splitKey('1,2,a,b', 3), ['1', '2', 'a,b']);
  assert.deepEqual(splitKey('a', 3), ['a']);
  assert.deepEqual(splitKey('a,b', 1), ['a,b']);
});

describe('lines', () => {
  const split = (chunks: readonly (string | Buffer)[], maxBytes = 100): string[] => {
    const splitter = new LineSplitter(maxBytes);
    const lines = chunks.flatMap((chunk) => [...splitter.push(Buffer.from(chunk))]);
    return [...lines, ...splitter.end()].map(({ text, bytes, cut }) => (cut ? `${bytes} bytes` : text));
  };

  test('whatever the chunks', () => {
    assert.deepEqual(split(['a', 'b\n\nc\nd', '\n', 'e']), ['ab', '', 'c', 'd', 'e']);
    const bytes = Buffer.from('é\n');
    assert.deepEqual(split([bytes.subarray(0, 1), bytes.subarray(1)]), ['é']);
  });

  test('of bounded length: the rest of a longer one is not kept, and the next is whole', () => {
    assert.deepEqual(split(['x'.repeat(60), 'x'.repeat(60), 'x'.repeat(60), '\nnext\n']), ['180 bytes', 'next']);
    assert.deepEqual(split(['x'.repeat(100), '\n'], 100), ['x'.repeat(100)]);
  });
});

describe('the queue', () => {
  const text = (n: number): Message => ({ type: 'printf', text: String(n) });
  const isPending = async (promise: Promise<void> | undefined): Promise<boolean> =>
    (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, 'pending'))])) === 'pending';

  test('makes the writer wait while it is full, until half is read', async () => {
    const queue = new MessageQueue(100);
    assert.equal(queue.put(text(1), 40), undefined);
    assert.equal(queue.put(text(2), 40), undefined);
    const room = queue.put(text(3), 40);
    assert.ok(await isPending(room));
    await queue.take();
    assert.ok(await isPending(room));
    await queue.take();
    assert.ok(!(await isPending(room)));
  });

  test('gives what it has before its end, and its failure after it', async () => {
    const queue = new MessageQueue(100);
    void queue.put(text(1), 1);
    queue.end({ error: new Error('dead') });
    assert.deepEqual(await queue.take(), text(1));
    await assert.rejects(queue.take(), /dead/);
  });

  test('discards and counts what has no room, once nobody may wait', () => {
    const queue = new MessageQueue(100);
    queue.discardOverflow();
    for (let n = 0; n < 5; n++) assert.equal(queue.put(text(n), 50), undefined);
    assert.equal(queue.discarded, 3);
    queue.abandon();
    assert.equal(queue.discarded, 5);
  });

  test('wakes a reader that waits', async () => {
    const queue = new MessageQueue(100);
    const reading = queue.take();
    void queue.put(text(1), 1);
    assert.deepEqual(await reading, text(1));
    const last = queue.take();
    queue.end();
    assert.equal(await last, undefined);
  });
});
