/**
 * Draws pictures of the dashboards: `npm run render:dashboards`. It plays a scene on this machine, and draws what Prometheus
 * collected, without Grafana.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { numberOf, scriptFlags, wrongFlag } from '../../testing/script-flags.ts';
import { collect, type DashboardData } from './data.ts';
import { page, type Page } from './page.ts';
import { playScene, SCRAPE_SECONDS } from './scene.ts';

const NAMES = ['overview', 'spawner', 'exporter', 'fleet'] as const;
const CHOSEN = { overview: {}, spawner: { comm: 'node' }, exporter: {}, fleet: {} };
const CACHE = '.cache/dashboards';
const ABOUT =
  'Drawn by forktax from what a Prometheus has seen of three collectors on one machine; not a screenshot of Grafana. The spawners are spawnload under other programs’ names; where a line is purple, one collector was started anew.';

/** A picture needs no network, sandbox or display. */
const CHROMIUM = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
];

async function record(seconds: number): Promise<DashboardData[]> {
  const scene = await playScene(seconds);
  const { prometheus, fromSeconds, toSeconds } = scene;
  const span = { fromSeconds, toSeconds, stepSeconds: SCRAPE_SECONDS };
  const data = await Promise.all(NAMES.map((name) => collect(prometheus.api, dashboard(name), span, CHOSEN[name])));
  await scene.stop();
  return data;
}

const dashboard = (name: string) =>
  JSON.parse(readFileSync(new URL(`../generated/${name}.json`, import.meta.url), 'utf8'));

function screenshot({ html, width, height }: Page, path: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-chromium-'));
  const file = join(folder, 'page.html');
  writeFileSync(file, html);
  const own = [`--user-data-dir=${folder}/profile`, `--window-size=${width},${height}`, `--screenshot=${path}`];
  execFileSync('chromium', [...CHROMIUM, ...own, `file://${file}`], { stdio: ['ignore', 'ignore', 'ignore'] });
  rmSync(folder, { recursive: true, force: true });
}

const USAGE = `npm run render:dashboards -- [SECONDS]
SECONDS: how long the scene is played; 600 unless given. 0 draws the last one again.`;
const [length = '600', ...more] = scriptFlags(USAGE, { allowPositionals: true }).positionals;
if (more.length > 0) wrongFlag(`Unexpected argument '${more[0]}'`);
const seconds = numberOf('SECONDS', length, 0);
mkdirSync(CACHE, { recursive: true });
if (seconds > 0) writeFileSync(`${CACHE}/data.json`, JSON.stringify(await record(seconds)));
const data: DashboardData[] = JSON.parse(readFileSync(`${CACHE}/data.json`, 'utf8'));
for (const [index, name] of NAMES.entries()) {
  const one = data[index];
  if (one) screenshot(page(one, ABOUT), `docs/dashboards/${name}.png`);
}
