/**
 * Compares what forktax says of spawns with what the spawners themselves and another tool say of them: npm run bench:outsiders. It
 * needs root, PostgreSQL's server and perf, and downloads Redis into a temporary folder. It asserts nothing.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scriptFlags } from '../testing/script-flags.ts';
import { machine, table } from './overhead/markdown.ts';
import { unpackPackages } from './overhead/packages.ts';
import { comparePerfTrace } from './outsiders/perf-trace.ts';
import { comparePostgres } from './outsiders/postgresql.ts';
import { compareRedis, REDIS_PACKAGES } from './outsiders/redis.ts';
import type { Agreement } from './outsiders/watch.ts';

const PAGE = new URL('../docs/overhead.md', import.meta.url);
const MARK = '<!-- bench:outsiders -->';

const USAGE = `npm run bench:outsiders -- [--write]
--write puts the table into docs/overhead.md.`;
const { values } = scriptFlags(USAGE, { options: { write: { type: 'boolean', default: false } } });

const folder = mkdtempSync(join(tmpdir(), 'forktax-outsiders-'));
chmodSync(folder, 0o755); // PostgreSQL runs as its own user
try {
  const redis = join(folder, 'redis');
  const postgres = join(folder, 'postgres');
  for (const each of [redis, postgres]) mkdirSync(each);
  const rows = [
    await compareRedis(unpackPackages(redis, REDIS_PACKAGES), redis),
    await comparePostgres(postgres),
    await comparePerfTrace(),
  ];
  const text = `${machine()}\n\n${tableOf(rows)}`;
  console.log(text);
  if (values.write) write(text);
} finally {
  rmSync(folder, { recursive: true });
}

function tableOf(rows: readonly Agreement[]): string {
  const titles = ['whose figure', 'spawns by their count', 'by forktax', 'their mean, µs', 'forktax, µs', 'ratio'];
  return table(
    titles,
    rows.map(({ what, spawns, seen, theirsUs, oursUs }) => {
      const ratio = (theirsUs / oursUs).toFixed(3);
      return [what, spawns, seen, theirsUs.toFixed(0), oursUs.toFixed(0), ratio];
    }),
  );
}

function write(text: string): void {
  const [before = '', , after = ''] = readFileSync(PAGE, 'utf8').split(MARK);
  writeFileSync(PAGE, `${before}${MARK}\n\n${text}\n\n${MARK}${after}`);
}
