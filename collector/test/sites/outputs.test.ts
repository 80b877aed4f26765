/** The forms in which call sites are shown. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Collected } from '../../profile/collect.ts';
import { folded } from '../../profile/folded.ts';
import { pprof } from '../../sites/pprof.ts';
import { siteRecords, SITE_FIELDS, SITES_SUMMARY_FIELDS } from '../../profile/sites-json.ts';
import { sitesSummary, sitesText } from '../../sites/sites-text.ts';
import { fakeOutput } from '../terminal/fake-output.ts';
import { BUILD, frame, libc, site } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'forktax-sites-'));
after(() => rmSync(folder, { recursive: true }));

const UNKNOWN = site({
  frames: BUILD.slice(0, 3),
  end: 'stack-too-short',
  spawns: 1,
  stallNs: 5_000_000,
  avoidableNs: 0,
});
const UNSAMPLED = site({ frames: [], end: 'not-sampled', spawns: 2, failures: 1, stallNs: 4_000_000, copiedBytes: 0 });
const SITES = [site(), UNKNOWN, UNSAMPLED];
const COLLECTED: Collected = {
  sites: SITES,
  startMs: 1_800_000_000_000,
  durationNs: 30e9,
  losses: { overLimit: 3, ringFull: 0, unreadable: 0 },
  scriptsLost: 0,
  eventsLost: 0,
};

describe('the table', () => {
  test('shows the interesting frames from the call outwards, and how a stack ends', () => {
    const text = sitesText(SITES, { top: 20, frames: 6 }, fakeOutput());
    assert.deepEqual(
      text
        .trimEnd()
        .split('\n')
        .map((each) => each.trimEnd()),
      [
        ' STALL  SPAWNS  AVOID  COPIED FAILED CALL SITE',
        '9.00ms       3 8.93ms 3.00MiB      - app: fork  libc.so.6',
        `${' '.repeat(37)}  ← start_job  jobs.c:12 (inlined)`,
        `${' '.repeat(37)}  ← build  build.c:40`,
        `${' '.repeat(37)}  ← main  main.c:7`,
        '5.00ms       1      - 3.00MiB      - app: fork  libc.so.6',
        `${' '.repeat(37)}  ← start_job  jobs.c:12 (inlined)`,
        `${' '.repeat(37)}  ← [the stack goes on beyond the bytes that were copied]`,
        '4.00ms       2 8.93ms       -      1 app: [no stack was copied]',
      ],
    );
  });

  test('leaves out frames and sites beyond what was asked for, and says how many', () => {
    const text = sitesText(SITES, { top: 1, frames: 2 }, fakeOutput());
    assert.match(text, /← … 2 more frames\n/);
    assert.match(text, /^9\.00ms +3 8\.93ms 3\.00MiB +1 … 2 more sites$/m);
  });

  test('fits a narrow terminal, and prints no control characters', () => {
    const evil = site({ frames: [frame('a\x1b[2Jb', 1), frame('x'.repeat(300), 2)], comm: 'e\nvil' });
    const text = sitesText([evil], { top: 20, frames: 6 }, fakeOutput(60));
    for (const row of text.trimEnd().split('\n')) assert.ok(row.length <= 60, row);
    assert.match(text, /e\\x0avil: a\\x1b\[2Jb/);
  });

  test('the sentences tell what has no stack and why', () => {
    assert.deepEqual(sitesSummary(COLLECTED, 200), [
      '6 spawns, 1 failed call, callers stood still for 18.0ms; 2 call stacks',
      '3 of them have no stack (4.00ms): 3 were more than 200 in a second (--stacks-per-second). They are counted in the line ' +
        'that says so, so the other lines show less than there was',
      '1 call without a complete stack; a line ends with the reason',
    ]);
  });
});

describe('folded', () => {
  test('a line for each stack, outermost first, with the weight', () => {
    assert.equal(
      folded(SITES, 'spawns'),
      'app;_start;__libc_start_main@@GLIBC_2.34;__libc_start_call_main;main;build;start_job;fork;__libc_fork_internal 3\n' +
        'app;[stack-too-short];start_job;fork;__libc_fork_internal 1\napp;[not-sampled] 2\n',
    );
  });

  test('sites that look the same are one line; what has no weight is none; a semicolon is no separator', () => {
    const other = site({ frames: [frame('job;1\n', 1)], stallNs: 7, copiedBytes: 0 });
    const same = site({ frames: [frame('job;1\n', 2)], stallNs: 5, copiedBytes: 0 });
    assert.equal(folded([other, same], 'stall'), 'app;job:1\\x0a 12\n');
    assert.equal(folded([other, same], 'copied'), '');
  });
});

describe('json', () => {
  test('has the fields that the manual lists, and sums', () => {
    const records = [...siteRecords(COLLECTED)] as Record<string, unknown>[];
    for (const record of records.slice(0, -1)) assert.deepEqual(Object.keys(record), Object.keys(SITE_FIELDS));
    assert.deepEqual(Object.keys(records.at(-1) ?? {}), Object.keys(SITES_SUMMARY_FIELDS));
    assert.deepEqual(
      [records.at(-1)?.['spawns'], records.at(-1)?.['stall_sum_ns'], records.at(-1)?.['not_sampled']],
      [6, 18_000_000, 3],
    );
    assert.deepEqual((records[0]?.['frames'] as object[] | undefined)?.[2], {
      function: 'start_job',
      file: '/src/jobs.c',
      line: 12,
      module: '/opt/app/bin/app',
      build_id: 'abcd',
      offset: 0x100,
      inlined: true,
      how: 'cfi',
    });
  });
});

/** Go keeps what it compiles below HOME. */
const GO_ENVIRONMENT = { ...process.env, HOME: process.env['HOME'] ?? folder };
const hasGo = spawnSync('go', ['version']).status === 0;

describe('pprof', () => {
  const bytes = pprof(SITES, COLLECTED, ['a comment']);

  test('is gzip, and the same for the same sites', () => {
    assert.ok(gunzipSync(bytes).length > 100);
    assert.deepEqual(pprof(SITES, COLLECTED, ['a comment']), bytes);
  });

  test('go tool pprof reads it', { skip: hasGo ? false : 'go is not installed' }, () => {
    const file = join(folder, 'sites.pb.gz');
    writeFileSync(file, pprof([...SITES, site({ frames: [libc('vfork', 0x70), frame('', 0x99)] })], COLLECTED, []));
    const run = (...args: string[]): string =>
      execFileSync('go', ['tool', 'pprof', ...args, file], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        env: GO_ENVIRONMENT,
      });
    const raw = run('-raw');
    assert.match(raw, /spawns\/count stall\/nanoseconds\[dflt\] copied\/bytes avoidable\/nanoseconds/);
    assert.match(raw, /app\+0x99/);
    assert.match(raw, /start_job \/src\/jobs\.c:12:0 s=0\n\s+build \/src\/build\.c:40:0/);
    assert.match(run('-top', '-sample_index=spawns'), /of 9 total/);
    assert.match(run('-traces', '-sample_index=spawns'), /2 +\[not-sampled\]\n +app/);
  });
});
