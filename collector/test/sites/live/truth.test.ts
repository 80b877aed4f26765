/** Programs whose stacks are known spawn: their chains are complete and in order, and the sums are those of the cost table. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { frameName } from '../../../model/frames.ts';
import { availableWays, total } from '../../../../testing/engines.ts';
import { runCli } from '../../../../testing/run-cli.ts';
import { scaled } from '../../../../testing/spawnload.ts';
import { buildChain, watchChain } from './chain.ts';

const COUNT = scaled(30);
const { program } = buildChain();

/** The innermost first, without what libc does below and above. */
const LINKS = ['spawn_once', 'inner', 'pass_on', 'outer', 'repeat'];

/** Names inside of libc are known only where its debug symbols are installed (libc6-dbg). */
const [MAIN_START, THREAD_START] = [
  /^main (__libc_start_call_main|libc\.so\.6\+\w+) \S+ _start$/,
  /^(start_thread|libc\.so\.6\+\w+) (\S*clone3?|libc\.so\.6\+\w+)$/,
];

const namesOf = (frames: Parameters<typeof frameName>[0][]): string[] => frames.map(frameName);

function assertChain(names: readonly string[], links: readonly string[], start: RegExp): void {
  const first = names.indexOf(links[0] ?? '');
  assert.ok(first >= 0, names.join(' ← '));
  assert.deepEqual(names.slice(first, first + links.length), links);
  assert.match(names.slice(first + links.length).join(' '), start);
}

for (const callHook of availableWays())
  describe(`seen by ${callHook}`, () => {
    for (const mechanism of ['fork', 'vfork', 'clone3', 'posix_spawn', 'system'])
      for (const thread of [[], ['thread']])
        test(`${mechanism} ${thread.join('')}: the chain is whole, and the sums are those of the table`, async () => {
          const { sites, rows } = await watchChain(program, [mechanism, String(COUNT), ...thread], {
            engine: { callHook },
            stacks: COUNT,
          });
          const [site, ...others] = sites;
          assert.deepEqual(others, []);
          assert.equal(site?.end, 'complete', namesOf([...(site?.frames ?? [])]).join(' ← '));
          assertChain(namesOf([...site.frames]), LINKS, thread.length > 0 ? THREAD_START : MAIN_START);
          const [row] = rows;
          assert.equal(rows.length, 1);
          assert.deepEqual(
            [site.spawns, site.stallNs, site.copiedBytes, site.avoidableNs],
            [COUNT, row?.stall.sum, row?.copiedRss.sum, row?.avoidableStallNs],
          );
          assert.equal(total(row?.stall ?? { counts: [] }), COUNT);
        });
  });

test('a stack that is deeper than what is copied is told as such, with the frames that are there', async () => {
  const { sites } = await watchChain(program, ['vfork', String(COUNT), 'deep'], {
    engine: { stacks: { bytes: 4096, perSecond: 100_000 } },
    stacks: COUNT,
  });
  const [site, ...others] = sites;
  assert.deepEqual(others, []);
  assert.equal(site?.end, 'stack-too-short');
  assert.deepEqual(namesOf([...site.frames]).slice(1, 3), ['spawn_once', 'inner']);
  assert.equal(site.spawns, COUNT);
});

test('what has no stack is counted with its costs', async () => {
  const { sites, rows, losses } = await watchChain(program, ['fork', String(COUNT)], {
    engine: { stacks: { bytes: 4096, perSecond: 1 } },
    stacks: 0,
  });
  const unsampled = sites.filter(({ end }) => end === 'not-sampled');
  assert.equal(unsampled.length, 1);
  assert.equal(unsampled[0]?.spawns, losses.overLimit);
  const sum = (of: (site: (typeof sites)[number]) => number): number => sites.reduce((all, site) => all + of(site), 0);
  assert.deepEqual([sum(({ spawns }) => spawns), sum(({ stallNs }) => stallNs)], [COUNT, rows[0]?.stall.sum]);
});

test('the command shows them, with the output of the command that it runs and its exit status', async () => {
  const { status, stdout, stderr } = await runCli('sites', '--json', '--', 'sh', '-c', '/bin/true; /bin/true; exit 3');
  assert.equal(status, 3, stderr);
  const records = stdout
    .trimEnd()
    .split('\n')
    .map((each) => JSON.parse(each) as Record<string, unknown>);
  assert.equal(records.at(-1)?.['spawns'], 2);
  assert.equal(records.at(-1)?.['events_lost'], 0);
  assert.match(stderr, /^2 spawns, callers stood still for \S+; \d+ call stacks?$/m);
});

test('a name picks spawners among the descendants of a command, whatever their parents are called', async () => {
  const words = ['bash', '-c', 'sh -c "/bin/true; /bin/true; :"; :'];
  const { status, stdout, stderr } = await runCli('sites', '--json', '-n', 'sh', '--', ...words);
  assert.equal(status, 0, stderr);
  const records = stdout
    .trimEnd()
    .split('\n')
    .map((each) => JSON.parse(each) as Record<string, unknown>);
  assert.deepEqual([...new Set(records.slice(0, -1).map(({ comm }) => comm))], ['sh']);
  assert.equal(records.at(-1)?.['spawns'], 2);
});
