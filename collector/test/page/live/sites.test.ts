/** The flame graph of call sites on the page, and /api/v1/sites, of programs that run as another user. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { API } from '../../../serve/api/schema.ts';
import { keepScreenshot, launchBrowser, noBrowser, troublesOf, untilTrue } from '../../../../testing/browser.ts';
import { startCli } from '../../../../testing/run-cli.ts';
import { startServe, type ServeProcess } from '../../../../testing/serve-process.ts';
import { buildChain } from '../../sites/live/chain.ts';

const FOREIGN = { 'sec-fetch-site': 'cross-site' };
const OTHER_USER = { uid: 65_533, gid: 65_533 };
const SPAWNS = 20;
const UNWINDERS = 4;

const { program } = buildChain();

/** Waits until it is told to begin, and ends when it is told to. */
function startChain(): ChildProcess {
  const chain = spawn(program, ['fork', `${SPAWNS}`], { stdio: ['pipe', 'pipe', 'inherit'], ...OTHER_USER });
  after(() => chain.kill('SIGKILL'));
  return chain;
}

async function run(chain: ChildProcess): Promise<void> {
  chain.stdin?.write('\n');
  if (chain.stdout) await once(chain.stdout, 'data');
}

/** Resolves when stacks are being copied for someone. */
async function isCopying({ url }: ServeProcess): Promise<Response> {
  for (;;) {
    // This asks for nothing: whoever is first is refused otherwise.
    const response = await fetch(`${url}/api/v1/sites`, { headers: FOREIGN });
    if (response.status === 429) return response;
    assert.equal(response.status, 403);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** The names of the only stack that `forktax sites --folded` finds. */
async function namesByCommand(): Promise<readonly string[]> {
  const chain = startChain();
  const sites = startCli(['sites', '--folded', '--weight', 'spawns', '-p', `${chain.pid}`]);
  await sites.said('Watching process spawns');
  await run(chain);
  // The chain lives until its stacks are unwound.
  sites.child.kill('SIGINT');
  const { stdout, stderr } = await sites.result;
  chain.stdin?.end();
  assert.match(stdout, new RegExp(`^\\S+;main;\\S+ ${SPAWNS}\\n$|^.+;main;.+ ${SPAWNS}\\n$`), stderr);
  return stdout.replace(/ \d+\n$/, '').split(';');
}

describe('with --web.enable-sites', () => {
  it('the page shows what forktax sites shows, with keys and without a mouse', { skip: noBrowser }, async () => {
    const names = await namesByCommand();
    const chain = startChain();
    const [browser, serve] = await Promise.all([
      launchBrowser(),
      startServe('--web.enable-sites', `--pid=${chain.pid}`),
    ]);
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      const troubles = troublesOf(page);
      await page.goto(serve.url);
      const section = page.locator('#sites');
      await section.locator('select').first().selectOption('10');
      await section.getByRole('button', { name: 'Copy call stacks' }).press('Enter');
      await isCopying(serve);
      await run(chain);
      await section.getByRole('treeitem').first().waitFor();
      assert.match(
        (await section.locator('p[role=status]').textContent()) ?? '',
        new RegExp(`^${SPAWNS} spawns in 10 s`),
      );
      await section.locator('select').nth(1).selectOption('spawns');
      assert.deepEqual(await section.getByRole('treeitem').allTextContents(), ['all', ...names]);
      assert.equal(await section.locator('tbody td').first().textContent(), `${SPAWNS}`);
      await section.scrollIntoViewIfNeeded();
      await keepScreenshot(page, 'sites-light');
      await section.getByRole('treeitem').first().focus();
      for (let i = 0; i < names.indexOf('main') + 1; i++) await page.keyboard.press('ArrowDown');
      assert.match(
        (await section.locator('.detail').textContent()) ?? '',
        /^main {2}chain\.c:\d+: 20, 100\.0 %, 20 spawns$/,
      );
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate('document.activeElement.textContent'), 'main');
      await page.keyboard.press('Escape');
      assert.equal(await page.evaluate('document.activeElement.textContent'), 'all');
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.evaluate(axe.source);
        const violations = await page.evaluate(async () => {
          const { axe: checker } = globalThis as unknown as { axe: typeof axe };
          const { violations: found } = await checker.run('#sites');
          return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
        });
        assert.deepEqual(violations, [], colorScheme);
      }
      await keepScreenshot(page, 'sites-dark');
      await page.setViewportSize({ width: 360, height: 740 });
      // Charts follow the width a moment later.
      await untilTrue(page, 'document.documentElement.scrollWidth === 360');
      assert.deepEqual(troubles, []);
    } finally {
      await browser.close();
      await serve.stop();
    }
  });

  it('answers one at a time, by its schema; it has no capabilities, and its unwinders can only read', async () => {
    const chain = startChain();
    const serve = await startServe('--web.enable-sites', `--pid=${chain.pid}`);
    try {
      assert.match(readFileSync(`/proc/${serve.pid}/status`, 'utf8'), /^CapPrm:\s0+$/m);
      const unwinders = childrenOf(serve.pid);
      assert.equal(unwinders.length, UNWINDERS);
      for (const pid of unwinders) {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        // CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE
        assert.match(status, /^CapPrm:\s0000010000080004$/m);
        assert.match(status, /^Uid:\s65534\s/m);
        assert.match(status, /^Seccomp:\s2$/m);
      }
      const leaving = new AbortController();
      const left = fetch(`${serve.url}/api/v1/sites?seconds=60`, { signal: leaving.signal }).catch(() => 'left');
      const refused = await isCopying(serve);
      assert.ok(Number(refused.headers.get('retry-after')) > 30);
      leaving.abort();
      assert.equal(await left, 'left');

      const asked = fetchWhenFree(`${serve.url}/api/v1/sites?seconds=6`);
      await isCopying(serve);
      await run(chain);
      const answer = await (await asked).json();
      const parsed = API['/api/v1/sites'].schema.strict().parse(answer);
      assert.deepEqual([parsed.spawns, parsed.sites.length, parsed.sites[0]?.spawns], [SPAWNS, 1, SPAWNS]);
      assert.equal(parsed.sites[0]?.end, 'complete');
      const names = parsed.sites[0]?.frames.map(({ function: name }) => name) ?? [];
      assert.deepEqual(
        names.filter((name) => ['spawn_once', 'inner', 'pass_on', 'outer', 'repeat', 'main'].includes(name ?? '')),
        ['spawn_once', 'inner', 'pass_on', 'outer', 'repeat', 'main'],
      );
      for (const [query, why] of [
        ['seconds=0', 'seconds: must'],
        ['seconds=61', 'seconds: must'],
        ['format=svg', 'format: must'],
        ['weight=x', 'weight: must'],
      ] as const) {
        const response = await fetch(`${serve.url}/api/v1/sites?${query}`);
        assert.deepEqual([response.status, (await response.text()).startsWith(why)], [400, true], query);
      }
      for (const pid of unwinders) process.kill(pid, 'SIGKILL');
      let without = await fetch(`${serve.url}/api/v1/sites?seconds=1`);
      // It may not have noticed yet.
      while (without.status === 200) without = await fetch(`${serve.url}/api/v1/sites?seconds=1`);
      assert.deepEqual(
        [without.status, await without.text()],
        [503, 'the unwinder has ended too often; restart the collector.\n'],
      );
    } finally {
      await serve.stop();
    }
  });

  it('has the lines of scripts, and ends at once while it copies', async () => {
    const scripts = mkdtempSync(join(tmpdir(), 'forktax-page-'));
    after(() => rmSync(scripts, { recursive: true }));
    const script = join(scripts, 'build.cjs');
    writeFileSync(
      script,
      `const { execFileSync } = require('node:child_process');
function lint() { execFileSync('true'); }
process.stdin.once('data', () => { for (let i = 0; i < 5; i++) lint(); console.log('done'); });
`,
    );
    const module = fileURLToPath(new URL('../../../../native/afork/sites.cjs', import.meta.url));
    const node = spawn(process.execPath, ['--require', module, script], { stdio: ['pipe', 'pipe', 'inherit'] });
    after(() => node.kill('SIGKILL'));
    const serve = await startServe('--web.enable-sites', `--pid=${node.pid}`);
    try {
      const asked = fetch(`${serve.url}/api/v1/sites?seconds=6&format=folded&weight=spawns`);
      await isCopying(serve);
      node.stdin.write('go\n');
      await once(node.stdout, 'data');
      const text = await (await asked).text();
      assert.match(text, /^\S+;\(anonymous\);lint 5\n$/);
      const cut = fetch(`${serve.url}/api/v1/sites?seconds=60`).catch(() => undefined);
      await isCopying(serve);
      const { status } = await serve.stop();
      assert.equal(status, 0);
      await cut;
    } finally {
      await serve.stop();
    }
  });
});

test('without the capabilities that it needs, it does not start, and says which', async () => {
  const less = ['setpriv', '--bounding-set=-sys_ptrace', '--inh-caps=-all'];
  const { status, stderr } = await startCli(['serve', '--web.listen-address=127.0.0.1:0', '--web.enable-sites'], less)
    .result;
  assert.equal(status, 1, stderr);
  assert.match(stderr, /need CAP_SYS_PTRACE\n.*FORKTAX_SITES/s);
  assert.doesNotMatch(stderr, /msg=listening/);
});

async function fetchWhenFree(url: string): Promise<Response> {
  for (;;) {
    const response = await fetch(url);
    if (response.status !== 429) return response;
  }
}

test('without --web.enable-sites, the page says what it needs, and nothing is there', { skip: noBrowser }, async () => {
  const [browser, serve] = await Promise.all([launchBrowser(), startServe()]);
  try {
    assert.deepEqual(childrenOf(serve.pid), []);
    const response = await fetch(`${serve.url}/api/v1/sites`);
    assert.equal(response.status, 404);
    assert.match(await response.text(), /^Call stacks are copied only by .* --web\.enable-sites\.\n$/);
    const page = await browser.newPage();
    await page.goto(serve.url);
    await page.locator('#sites p', { hasText: '--web.enable-sites' }).waitFor();
    assert.equal(await page.locator('#sites button:visible').count(), 0);
  } finally {
    await browser.close();
    await serve.stop();
  }
});
