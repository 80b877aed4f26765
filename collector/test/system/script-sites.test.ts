/** The listener believes no writer, and joins what they tell with what the kernel saw. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { monotonicEpochMs } from '../../system/clocks.ts';
import { loadNative } from '../../system/native.ts';
import { ScriptSites } from '../../system/script-sites.ts';

const folder = mkdtempSync(join(tmpdir(), 'forktax-listener-'));
after(() => rmSync(folder, { recursive: true }));
let made = 0;

/** A listener, and what writes lines to it. */
function listen(): { sites: ScriptSites; path: string; write(...messages: unknown[]): void } & Disposable {
  const path = join(folder, `${made++}`);
  const sites = new ScriptSites(loadNative(), path);
  return {
    sites,
    path,
    write(...messages) {
      for (const message of messages)
        appendFileSync(path, typeof message === 'string' ? message : `${JSON.stringify(message)}\n`);
      sites.drain();
    },
    [Symbol.dispose]: () => sites.close(),
  };
}

const SECOND = 1e9;
const atMs = (seconds: number): number => monotonicEpochMs(seconds * SECOND);
interface Told {
  pid?: number;
  tid?: number;
  child?: number;
  begin?: number;
  end?: number;
  lost?: number;
  name?: string;
}
const told = ({ pid = 7, tid = 0, child = 8, begin = 10, end = 11, lost = 0, name = 'f' }: Told = {}) => [
  1,
  pid,
  tid,
  child,
  begin * SECOND,
  end * SECOND,
  lost,
  [[name, '/app/a.js', 3, 5]],
];
const seen = { pid: 7, tid: 7, child: 8, atMs: atMs(10.5) };
const nameOf = (sites: ScriptSites, spawn = seen): string | undefined => sites.take(spawn)?.[0]?.symbol;

test('a call site is given once, with all of its frames', () => {
  using listener = listen();
  listener.write([
    ...told().slice(0, 7),
    [
      ['', 'file:///app/%C3%BC.mjs', 1, 1],
      ['g', '/app/b.js', 2, 2, 1],
    ],
  ]);
  assert.deepEqual(listener.sites.take(seen), [
    { address: 0n, how: 'script', symbol: '(anonymous)', file: '/app/ü.mjs', line: 1 },
    { address: 0n, how: 'script', symbol: 'async g', file: '/app/b.js', line: 2 },
  ]);
  assert.equal(listener.sites.take(seen), undefined);
});

test('another process, another time, another thread: another call site', () => {
  using listener = listen();
  listener.write(told({ name: 'old', begin: 1, end: 2 }), told({ name: 'foreign', pid: 9 }), told({ name: 'right' }));
  assert.equal(nameOf(listener.sites), 'right');
  assert.equal(nameOf(listener.sites), undefined);
  assert.equal(nameOf(listener.sites, { ...seen, atMs: atMs(1.5) }), 'old');
  listener.write(told({ child: 0, tid: 6, name: 'thread' }), told({ child: 0, tid: 7, end: 0, name: 'open' }));
  assert.equal(nameOf(listener.sites, { ...seen, atMs: atMs(20) }), 'open');
  assert.equal(nameOf(listener.sites), undefined);
  assert.equal(nameOf(listener.sites, { ...seen, tid: 6 }), 'thread');
});

test('what is no message is counted, and harms nothing', () => {
  using listener = listen();
  const frames = [['f', '/a', 1, 1]];
  const wrong: unknown[] = [
    'no json\n',
    {},
    null,
    [],
    [2, ...told().slice(1)],
    [1, 'x', 7, 8, 1, 1, 0, frames],
    [1, -7, 7, 8, 1, 1, 0, frames],
    [1, 7, 7, 8, 1, 1, 0, 'frames'],
    [1, 7, 7, 8, 1, 1, 0, [['f', '/a', '1', 1]]],
    [1, 7, 7, 8, 1, 1, 0, [null]],
  ];
  listener.write(...wrong, told({ lost: 3 }));
  assert.deepEqual([listener.sites.malformed, listener.sites.lost], [wrong.length, 3]);
  assert.equal(nameOf(listener.sites), 'f');
  // Without an end of the line, only so much is remembered as one message may have.
  listener.write('x'.repeat(9000));
  listener.write('\n', told());
  assert.equal(listener.sites.malformed, wrong.length + 1);
  assert.equal(nameOf(listener.sites), 'f');
});

test('without room the oldest call site is lost, and counted: spawns that nobody watches are told too', () => {
  const path = join(folder, `${made++}`);
  using stack = new DisposableStack();
  const sites = stack.adopt(new ScriptSites(loadNative(), path, false, 2), (each) => each.close());
  for (const name of ['first', 'second', 'third'])
    appendFileSync(path, `${JSON.stringify(told({ pid: name === 'third' ? 7 : 9, name }))}\n`);
  sites.drain();
  assert.equal(sites.lost, 1);
  assert.equal(nameOf(sites, { ...seen, pid: 9 }), 'second');
  assert.equal(nameOf(sites), 'third');
});

test('a message that is read in two parts is one', () => {
  using listener = listen();
  const text = `${JSON.stringify(told())}\n`;
  listener.write(text.slice(0, 20));
  listener.write(text.slice(20));
  assert.equal(nameOf(listener.sites), 'f');
});

test('one listens at a time, at a FIFO of its own, which goes with it', () => {
  const native = loadNative();
  const { path, sites } = listen();
  const umask = process.umask();
  assert.equal(statSync(path).mode & 0o777, 0o622, `whatever the umask is, here ${umask}`);
  assert.throws(() => new ScriptSites(native, path), /another forktax listens at/);
  sites.close();
  assert.ok(!existsSync(path));
  writeFileSync(path, 'precious');
  assert.throws(() => new ScriptSites(native, path), { code: 'FORKTAX_SCRIPT_SITES' });
  const link = join(folder, 'link');
  symlinkSync(path, link);
  assert.throws(() => new ScriptSites(native, link), { code: 'FORKTAX_SCRIPT_SITES' });
});

test('a command gets the module beside what its NODE_OPTIONS had', () => {
  const sites = ScriptSites.open('command');
  const { FORKTAX_SITES: path = '', NODE_OPTIONS: options = '' } = sites.variables({ NODE_OPTIONS: '--no-warnings' });
  assert.ok(statSync(path).isFIFO());
  assert.match(options, /^--no-warnings --require ".*\/native\/afork\/sites\.cjs"$/);
  sites.close();
  assert.ok(!existsSync(path));
});
