/**
 * Draws what a terminal shows of three commands, from a real run on this machine: npm run render:terminal. The spawners are
 * spawnload under other programs' names, in cgroups that are named as those of services and containers are. Writes
 * docs/terminal/*.svg.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SPAWNLOAD } from '../native/spawnload/spawnload.ts';
import { makeCgroup } from '../testing/cgroups.ts';
import { scriptFlags } from '../testing/script-flags.ts';
import { cliCommand, ScreenTerminal, type ScreenCell } from '../testing/screen-terminal.ts';

scriptFlags('npm run render:terminal', {});

const FOLDER = fileURLToPath(new URL('../docs/terminal/', import.meta.url));

/** By cgroup. */
const LOADS: Readonly<Record<string, string>> = {
  [`docker-${'5d1e7c9b3a20'.padEnd(64, '0')}.scope`]:
    '--comm node --mechanism fork --rss 268435456 --rate 4 --exec /usr/bin/git -- --version',
  'php8.2-fpm.service': '--comm php-fpm --mechanism fork --rss 33554432 --rate 12 --exec /usr/bin/gzip -- --version',
  'ssh.service': '--comm sshd --mechanism posix_spawn --rate 3 --exec /bin/true',
  'cron.service': '--comm cron --mechanism vfork --rate 2 --exec /bin/true',
  'backup.service': '--comm backup --mechanism afork --rate 6 --exec /bin/true',
};

/** What is drawn, and what the screen must show before it is. */
const PICTURES = [
  { name: 'top', command: 'top', size: { columns: 117, rows: 14 }, until: /^node .*[▁-█]{6}/m },
  { name: 'snoop', command: 'snoop -c 12', size: { columns: 128, rows: 32 }, until: /SPAWNS STALL-SUM[^]*\n\S+ +\d+/ },
  {
    name: 'tree',
    command: 'tree -- sh -c \'git --version; (gzip --version | head -1); sh -c "uname; true"\'',
    size: { columns: 117, rows: 22 },
    until: /processes, parents stood/,
  },
] as const;

const [CELL_WIDTH, CELL_HEIGHT, MARGIN] = [8.4, 18, 12];
const [TEXT, GROUND] = ['#d4d4d4', '#1e1e1e'];
/** The first eight colours of a terminal. */
const COLOURS = ['#000000', '#f48771', '#89d185', '#e2c08d', '#6cb6ff', '#d2a8ff', '#56d4dd', '#d4d4d4'];

type Run = Omit<ScreenCell, 'text'> & { text: string; readonly column: number };

function svg(rows: readonly (readonly ScreenCell[])[], title: string): string {
  const columns = Math.max(...rows.map((cells) => cells.length));
  const [width, height] = [columns * CELL_WIDTH + 2 * MARGIN, rows.length * CELL_HEIGHT + 2 * MARGIN];
  const lines = rows.flatMap((cells, row) => runsOf(cells).map((run) => runSvg(run, row)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${height}" role="img" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" rx="6" fill="${GROUND}"/>`,
    ...lines,
    '</svg>\n',
  ].join('\n');
}

/** Neighbours that look the same are one text. */
function runsOf(cells: readonly ScreenCell[]): Run[] {
  const runs: Run[] = [];
  for (const [column, cell] of cells.entries()) {
    const last = runs.at(-1);
    const isSame = last?.isBold === cell.isBold && last.isInverse === cell.isInverse && last.colour === cell.colour;
    if (last && isSame) last.text += cell.text;
    else runs.push({ ...cell, column });
  }
  return runs;
}

function runSvg({ text, column, isBold, isInverse, colour }: Run, row: number): string {
  const [x, y] = [(MARGIN + column * CELL_WIDTH).toFixed(1), MARGIN + row * CELL_HEIGHT];
  const width = (text.length * CELL_WIDTH).toFixed(1);
  const fill = (colour !== undefined && COLOURS[colour % 8]) || TEXT;
  const ground = isInverse ? `<rect x="${x}" y="${y}" width="${width}" height="${CELL_HEIGHT}" fill="${fill}"/>` : '';
  if (text.trim() === '') return ground;
  const bold = isBold ? ' font-weight="bold"' : '';
  return `${ground}<text x="${x}" y="${y + 13}" textLength="${width}" xml:space="preserve" fill="${isInverse ? GROUND : fill}"${bold}>${escaped(text)}</text>`;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

async function draw({ name, command, size, until }: (typeof PICTURES)[number]): Promise<void> {
  // The sleep leaves on the screen what the command has printed.
  await using terminal = new ScreenTerminal(`${cliCommand(command)}; sleep 60`, size);
  await terminal.shows(until);
  const rows = terminal.cells();
  while (rows.at(-1)?.every(({ text }) => text === ' ')) rows.pop();
  writeFileSync(`${FOLDER}${name}.svg`, svg(rows, `forktax ${command}`));
  terminal.type('q');
}

mkdirSync(FOLDER, { recursive: true });
// Removed last, when nothing runs in them any more.
using cgroups = new DisposableStack();
await using loads = new AsyncDisposableStack();
// Their last children end by themselves.
loads.defer(() => sleep(1_000));
for (const [name, args] of Object.entries(LOADS)) {
  const cgroup = cgroups.use(makeCgroup(`/forktax-terminal-${process.pid}.slice/${name}`));
  const load = cgroup.start(SPAWNLOAD, '--count', '1000000', ...args.split(' '));
  loads.defer(async () => {
    const ended = once(load, 'exit');
    load.kill();
    await ended;
  });
}
for (const picture of PICTURES) await draw(picture);
