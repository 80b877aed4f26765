/**
 * Attacks a collector of its own, on the loopback interface, and says what that cost it: `npm run test:attack`.
 * docs/security.md says what is promised. It fails where a promise is broken: a scrape beside an attack that is not
 * answered, memory, a spawn that is not counted. Times depend on the machine, so they are printed; the long form holds them
 * to ten times the target.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { spawnload } from '../testing/spawnload.ts';
import { scriptFlags } from '../testing/script-flags.ts';
import { parseSamples } from '../testing/parse-metrics.ts';
import { ATTACKS, type Attack } from './attack/attacks.ts';
import { scrape, type Scraped } from './attack/clients.ts';
import { makeSiteAttacks } from './attack/sites.ts';
import { ATTACKED, startVictim, type Observed, type Victim } from './attack/victim.ts';

const USAGE = `npm run test:attack -- [--short]
--short: only the attacks that npm test makes, beside fewer spawns.`;
const { short: isShort } = scriptFlags(USAGE, { options: { short: { type: 'boolean', default: false } } }).values;
/** A table has 1024, and each attack adds one. */
const ROWS = 1_000;
const SPAWNS = isShort ? 500 : 5_000;
/** What docs/security.md aims at. */
const TARGET = { workMs: 100, grownMiB: 64, scrapeMs: 1_000 };
const MOST = { workMs: 10 * TARGET.workMs, scrapeMs: 10 * TARGET.scrapeMs };

/** By bcrypt at cost 10, which is what htpasswd and Prometheus' documents use. */
const HASH_OF_RIGHT = '$2b$10$sOMesK2nGUMCnWqIBjIKO.AUPyGHdMH8mLyUFv45Q2w1eT1GNhi2K';

interface Result extends Observed {
  readonly attack: string;
  readonly scrapeMs: number;
  readonly problems: readonly string[];
}

const results: Result[] = [];
const victim = await startVictim(ROWS);
try {
  await run(victim, { name: 'nothing, for comparison', isShort: true, run: async ({ url }) => [await scrape(url)] });
  for (const attack of ATTACKS) if (!isShort || attack.isShort) await run(victim, attack);
} finally {
  await victim.end();
}
await attackSites();
await guessPasswords();
report();

/** Spawns go on beside each attack, and all of them must be counted. */
async function run(
  aim: Victim,
  attack: Attack,
  findProblems: () => Promise<readonly string[]> = async () => [],
): Promise<void> {
  const before = await spawnsOf(aim);
  const stopWatching = await aim.watch();
  const [scrapes] = await Promise.all([
    attack.run(aim),
    spawnload('--comm', ATTACKED, '--count', SPAWNS, '--rate', 1_000),
  ]);
  const observed = await stopWatching();
  const counted = (await spawnsOf(aim)) - before;
  const problems = counted === SPAWNS ? [] : [`${counted} of ${SPAWNS} spawns were counted`];
  add(attack.name, observed, scrapes, [...problems, ...(await findProblems())]);
}

/** All of them: an old process may have had the pid of a new one. */
async function spawnsOf({ url }: Victim): Promise<number> {
  const spawns = parseSamples((await scrape(url)).text).filter(({ name }) => name === 'forktax_spawns_total');
  return spawns.reduce((sum, { value }) => sum + value, 0);
}

async function attackSites(): Promise<void> {
  const aim = await startVictim(0, '--web.enable-sites');
  try {
    const { attacks, findProblems } = makeSiteAttacks(aim);
    for (const attack of attacks) if (!isShort || attack.isShort) await run(aim, attack, findProblems);
  } finally {
    await aim.end();
  }
}

async function guessPasswords(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-attack-'));
  const file = join(folder, 'web.yml');
  writeFileSync(file, `basic_auth_users: {alice: "${HASH_OF_RIGHT}"}\n`);
  const aim = await startVictim(0, `--web.config.file=${file}`);
  try {
    const basic = (password: string): string => `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`;
    // Starts the thread that checks passwords.
    await scrape(aim.url, { authorization: basic('right') });
    const stopWatching = await aim.watch();
    const guesses = Array.from({ length: 300 }, (_, i) =>
      scrape(aim.url, { last: 2, authorization: basic(`guess ${i}`) }),
    );
    const beside = await scrape(aim.url, { authorization: basic('right') });
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    const problems = statuses.every((status) => status === 401 || status === 429) ? [] : ['a guess was let in'];
    add('300 wrong passwords', await stopWatching(), [beside], problems);
  } finally {
    await aim.end();
    await rm(folder, { recursive: true });
  }
}

function add(attack: string, observed: Observed, scrapes: readonly Scraped[], problems: readonly string[]): void {
  const scrapeMs = Math.max(0, ...scrapes.map(({ ms }) => ms));
  const failed = scrapes.filter(({ status }) => status !== 200).map(({ status }) => `a scrape beside it got ${status}`);
  const over = [
    observed.grownMiB > TARGET.grownMiB && `memory grew by ${observed.grownMiB.toFixed()} MiB`,
    !isShort &&
      observed.workMs > MOST.workMs &&
      `the event loop worked for ${observed.workMs.toFixed()} ms without a break`,
    !isShort && scrapeMs > MOST.scrapeMs && `a scrape beside it took ${scrapeMs.toFixed()} ms`,
  ].filter((problem) => problem !== false);
  results.push({ attack, ...observed, scrapeMs, problems: [...problems, ...failed, ...over] });
}

function report(): void {
  const shown = ({ attack, blockMs, workMs, grownMiB, scrapeMs }: Result) => ({
    attack,
    'event loop stood still, ms': Math.round(blockMs),
    'of that at work, ms': Math.round(workMs),
    'memory, MiB more': Math.round(grownMiB),
    'slowest scrape beside it, ms': Math.round(scrapeMs),
  });
  console.table(results.map(shown));
  console.log(`Targets: ${TARGET.workMs} ms at work, ${TARGET.grownMiB} MiB, ${TARGET.scrapeMs} ms.`);
  const broken = results.flatMap(({ attack, problems }) => problems.map((problem) => `${attack}: ${problem}`));
  for (const problem of broken) console.error(`attack: ${problem}`);
  process.exitCode = broken.length > 0 ? 1 : 0;
}
