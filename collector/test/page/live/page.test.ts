/** The page in a real browser, with real spawns. FORKTAX_SCREENSHOTS=FOLDER keeps a picture of each state. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import axe from 'axe-core';
import { hashSync } from 'bcryptjs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { TIME_BOUNDS_NS } from '../../../model/bounds.ts';
import { quantile, type Histogram } from '../../../model/histogram.ts';
import { formatBytes, formatCount, formatDuration } from '../../../terminal/format.ts';
import { keepScreenshot, launchBrowser, noBrowser, troublesOf, untilTrue } from '../../../../testing/browser.ts';
import { startServe, type ServeProcess } from '../../../../testing/serve-process.ts';
import { scaled, spawnload, uniqueComm } from '../../../../testing/spawnload.ts';
import { createCertificates } from '../../serve/http/certificates.ts';

const BUILD = new URL('../../../page/build/', import.meta.url);

interface Row {
  comm: string;
  spawns: number;
  stall: Histogram;
  copied_rss: Histogram;
  copied_page_table_bytes: number;
  avoidable_stall_ns: number;
  cow_faults_parent: number;
  cow_faults_child: number;
}

describe('the page', { skip: noBrowser }, () => {
  const forker = uniqueComm();
  const failer = uniqueComm();
  const count = scaled(40);
  let browser: Browser;
  let serve: ServeProcess;
  const troubles: (readonly string[])[] = [];

  before(async () => {
    [browser, serve] = await Promise.all([launchBrowser(), startServe()]);
    // What happens before the first point is no part of the history.
    await pointAfter(serve.url);
    await spawnload('--comm', forker, '--count', count, '--rss', 16 << 20, '--parent-touch', 4);
    await spawnload('--comm', forker, '--count', 3, '--mechanism', 'vfork');
    await spawnload('--comm', failer, '--count', 5, '--exec-missing');
    await pointAfter(serve.url);
  });
  after(async () => {
    await browser?.close();
    await serve?.stop();
  });

  async function open(path = '', options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    troubles.push(troublesOf(page));
    await page.goto(`${serve.url}/${path}`);
    await page.waitForSelector('#spawners tbody tr');
    return page;
  }

  const rowOf = (page: Page, comm: string) => page.locator(`#spawners tr[data-key="${comm}"]`);

  it('shows the numbers of /api/v1/costs', async () => {
    const page = await open('#range=15m');
    const { rows } = (await (await fetch(`${serve.url}/api/v1/costs`)).json()) as { rows: Row[] };
    const own = rows.filter(({ comm }) => comm === forker);
    const sum = (value: (row: Row) => number) => own.reduce((total, row) => total + value(row), 0);
    assert.equal(
      sum(({ spawns }) => spawns),
      count + 3,
    );
    const stall = {
      sum: sum((row) => row.stall.sum),
      counts: TIME_BOUNDS_NS.concat(0).map((_, i) => sum((row) => row.stall.counts[i] ?? 0)),
    };
    const cells = await rowOf(page, forker).locator('th, td').allTextContents();
    const [name, how, spawns, , stalled, p50, p99, copied, cow, avoidable, failures] = cells;
    assert.deepEqual([name, how, spawns], [forker, 'fork, vfork', formatCount(count + 3)]);
    assert.equal(stalled, formatDuration(stall.sum));
    assert.equal(p50, formatDuration(quantile(stall, TIME_BOUNDS_NS, 0.5) ?? 0));
    assert.equal(p99, formatDuration(quantile(stall, TIME_BOUNDS_NS, 0.99) ?? 0));
    assert.equal(copied, formatBytes(sum((row) => row.copied_rss.sum + row.copied_page_table_bytes)));
    assert.equal(cow, formatCount(sum((row) => row.cow_faults_parent + row.cow_faults_child)));
    assert.equal(avoidable, formatDuration(sum((row) => row.avoidable_stall_ns)));
    assert.equal(failures, '0');
    assert.equal(await rowOf(page, failer).locator('td').last().textContent(), '5');
    assert.match(
      (await page.locator('#failures tr', { hasText: failer }).textContent()) ?? '',
      /exec of the childENOENT5$/,
    );
    await keepScreenshot(page, 'light');
    await page.close();
  });

  it('opens a spawner by keyboard; the link shows the same; Escape goes back', async () => {
    const page = await open('#range=15m');
    await page.keyboard.press('/');
    await page.keyboard.type(forker);
    await untilTrue(page, "document.querySelectorAll('#spawners tbody tr').length === 1");
    await rowOf(page, forker).locator('button').focus();
    await page.keyboard.press('Enter');
    await page.locator('#spawners h2', { hasText: 'Mechanisms' }).waitFor();
    const mechanisms = async (one: Page) => one.locator('#spawners tbody th').allTextContents();
    assert.deepEqual((await mechanisms(page)).toSorted(), ['fork', 'vfork']);
    assert.equal(await page.locator('[data-name=spawns]').textContent(), formatCount(count + 3));
    const copy = await open(new URL(page.url()).hash, { colorScheme: 'dark' });
    assert.equal(await copy.locator('[data-name=spawns]').textContent(), formatCount(count + 3));
    assert.deepEqual(await mechanisms(copy), await mechanisms(page));
    await keepScreenshot(copy, 'spawner-dark');
    await page.keyboard.press('Escape');
    await page.locator('#spawners h2', { hasText: 'Spawners' }).waitFor();
    assert.equal(new URL(page.url()).hash.includes('spawner='), false);
    await page.goBack();
    await page.locator('#spawners h2', { hasText: 'Mechanisms' }).waitFor();
    await page.keyboard.press('?');
    await page.locator('dialog[open]').waitFor();
    await keepScreenshot(page, 'help');
    await Promise.all([page.close(), copy.close()]);
  });

  it('shows slow spawns as they happen, and stands still while paused', async () => {
    const page = await open('#slow=1ms&range=15m');
    await page.locator('#slow p', { hasText: /^(None yet\.)?$/ }).waitFor({ state: 'attached' });
    const comm = uniqueComm();
    const { spawns } = await spawnload('--comm', comm, '--count', 2, '--rss', 512 << 20);
    const rows = page.locator('#slow tbody tr', { hasText: comm });
    await rows.nth(1).waitFor();
    const children = await rows.locator('td:nth-child(4)').allTextContents();
    assert.deepEqual(
      children.toReversed(),
      spawns.map(({ pid }) => String(pid)),
    );
    await rowOf(page, comm).waitFor();
    await page.keyboard.press('p');
    const later = uniqueComm();
    await spawnload('--comm', later, '--count', 1);
    await pointAfter(serve.url);
    assert.match((await page.locator('#status').textContent()) ?? '', /^Paused\./);
    assert.equal(await rowOf(page, later).count(), 0);
    await keepScreenshot(page, 'paused');
    await page.keyboard.press('p');
    await rowOf(page, later).waitFor();
    await page.close();
  });

  it('fits a phone', async () => {
    const page = await open('#range=15m', { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
    await keepScreenshot(page, 'phone');
    await page.close();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing that axe objects to: ${colorScheme}`, async () => {
      const page = await open('#range=15m', { colorScheme });
      await page.evaluate(axe.source);
      const violations = await page.evaluate(async () => {
        const { axe: checker } = globalThis as unknown as { axe: typeof axe };
        const { violations: found } = await checker.run();
        return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
      assert.deepEqual(violations, []);
      await page.close();
    });
  }

  it('broke no policy, asked no other host, and raised no error', () => {
    assert.deepEqual(troubles.flat(), []);
    const html = readFileSync(new URL('index.html', BUILD), 'utf8');
    assert.doesNotMatch(html, /https?:|style=|<script>/);
  });

  it('takes less than 200 KB', () => {
    const bytes = readdirSync(BUILD).map((name) => gzipSync(readFileSync(new URL(name, BUILD))).length);
    assert.ok(bytes.reduce((sum, size) => sum + size, 0) < 200_000, bytes.join());
  });

  it('asks for the password, over TLS, and works with it', async () => {
    const certificates = createCertificates();
    certificates.issue('server', 'IP:127.0.0.1');
    const webConfig = join(certificates.folder, 'web.yml');
    const tls = `tls_server_config: { cert_file: server.crt, key_file: server.key }`;
    writeFileSync(webConfig, `${tls}\nbasic_auth_users: { ada: '${hashSync('secret', 4)}' }\n`);
    const guarded = await startServe(`--web.config.file=${webConfig}`);
    try {
      const stranger = await browser.newContext({ ignoreHTTPSErrors: true });
      for (const path of ['/', '/-/page/page.js', '/api/v1/history', '/api/v1/schema']) {
        assert.equal((await stranger.request.get(`${guarded.url}${path}`)).status(), 401, path);
      }
      const httpCredentials = { username: 'ada', password: 'secret' };
      const context = await browser.newContext({ ignoreHTTPSErrors: true, httpCredentials });
      const page = await context.newPage();
      const wrong = troublesOf(page);
      await page.goto(guarded.url);
      await page.locator('#status', { hasText: 'measured' }).waitFor();
      await page.locator('#slow p', { hasText: /^(None yet\.)?$/ }).waitFor({ state: 'attached' });
      assert.deepEqual(wrong, []);
    } finally {
      rmSync(certificates.folder, { recursive: true });
      await guarded.stop();
    }
  });

  it('asks again for slow spawns when the collector had no room for another client', async () => {
    const page = await browser.newPage();
    await page.route(/\/api\/v1\/events\?/, (route) => route.fulfill({ status: 503 }), { times: 1 });
    await page.goto(`${serve.url}/#slow=1ms`);
    await page.locator('#slow p', { hasText: 'Not connected; trying again.' }).waitFor();
    await page.locator('#slow p', { hasText: /^(None yet\.)?$/ }).waitFor({ state: 'attached' });
    await page.close();
  });

  it('says that the collector is gone', async () => {
    const mortal = await startServe();
    const page = await browser.newPage();
    await page.goto(mortal.url);
    await page.locator('#status', { hasText: 'measured' }).waitFor();
    await mortal.stop();
    await page.locator('#status.bad', { hasText: 'Cannot reach the collector' }).waitFor();
    await keepScreenshot(page, 'gone');
    await page.close();
  });

  it('is not there with --web.disable-page', async () => {
    const plain = await startServe('--web.disable-page');
    try {
      assert.doesNotMatch(await (await fetch(plain.url)).text(), /<script/);
      assert.equal((await fetch(`${plain.url}/-/page/page.js`)).status, 404);
      assert.equal((await fetch(`${plain.url}/api/v1/history`)).status, 404);
    } finally {
      await plain.stop();
    }
  });
});

/** Resolves when the collector has made a point that began after now. */
async function pointAfter(url: string): Promise<void> {
  const next = async () => ((await (await fetch(`${url}/api/v1/history`)).json()) as { next_seq: number }).next_seq;
  const first = await next();
  while ((await next()) < first + 2) await new Promise((resolve) => setTimeout(resolve, 100));
}
