/** Whoever guesses passwords cannot keep the collector from stopping. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startServe } from '../../../../testing/serve-process.ts';

/** Its cost is 14, the highest that is accepted: all that wait take minutes to check. */
const HASH = '$2b$14$sOMesK2nGUMCnWqIBjIKO.AUPyGHdMH8mLyUFv45Q2w1eT1GNhi2K';
const GUESSES = 300;
const ADDRESSES = 15;
/** Those that wait, 4 for each address, and the one that is checked. */
const MOST_PENDING = 4 * ADDRESSES + 1;

const folder = mkdtempSync(join(tmpdir(), 'forktax-guessing-'));
after(() => rmSync(folder, { recursive: true }));

test('SIGTERM is heard while passwords are guessed, and each guess is answered', async (t) => {
  const file = join(folder, 'web.yml');
  writeFileSync(file, `basic_auth_users: {alice: "${HASH}"}\n`);
  const serve = await startServe(`--web.config.file=${file}`);
  t.after(() => serve.stop());
  let answered = 0;
  let onAnswer = () => {};
  const guesses = Array.from({ length: GUESSES }, async (_, i) => {
    const status = await statusOf(serve.url, { from: `127.0.0.${2 + (i % ADDRESSES)}`, password: `guess ${i}` });
    answered++;
    onAnswer();
    return status;
  });
  const all = Promise.all(guesses);
  await new Promise<void>((resolve, reject) => {
    all.catch(reject);
    onAnswer = () => answered >= GUESSES - MOST_PENDING && resolve();
    onAnswer();
  });
  // This one came after the guesses, so they have been read when it is answered.
  assert.equal((await fetch(serve.url)).status, 401);
  assert.ok(answered < GUESSES, 'guesses wait');

  const { status, stderr } = await serve.stop();
  assert.equal(status, 0, stderr);
  assert.match(stderr, /level=info msg=stopping\n$/);
  const statuses = await all;
  assert.deepEqual([...new Set(statuses)].toSorted(), [401, 429]);
});

async function statusOf(url: string, { from, password }: { from: string; password: string }): Promise<number> {
  const authorization = `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`;
  const asked = request(`${url}/metrics`, { localAddress: from, agent: false, headers: { authorization } });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}
