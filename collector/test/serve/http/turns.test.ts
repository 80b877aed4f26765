import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTurns, TURNS, type Client, type Turn } from '../../../serve/http/turns.ts';

const FOREVER = { ...TURNS, patienceMs: 1e9, stallMs: 1e9, stallMsUnderLoad: 1e9, longestMs: 1e9 };

function client(address: string, cutOff = (): void => assert.fail('cut off'), isGone = () => false): Client {
  return { address, cutOff, isGone };
}

/** What has come of a promise by now. */
async function stateOf(turn: Promise<Turn | undefined>): Promise<'waits' | 'refused' | 'goes'> {
  const answer = await Promise.race([turn, new Promise<'waits'>((resolve) => setImmediate(resolve, 'waits'))]);
  return answer === 'waits' ? 'waits' : answer ? 'goes' : 'refused';
}

describe('turns', () => {
  it('are a quarter of them for one address, and the others for others', async () => {
    const turns = createTurns({ ...FOREVER, most: 5 });
    const mine = Array.from({ length: 3 }, () => turns.take(client('a')));
    assert.deepEqual(await Promise.all(mine.map(stateOf)), ['goes', 'goes', 'waits']);
    const theirs = Array.from({ length: 3 }, () => turns.take(client('b')));
    assert.deepEqual(await Promise.all(theirs.map(stateOf)), ['goes', 'goes', 'waits']);
    assert.equal(await stateOf(turns.take(client('c'))), 'goes');
    (await mine[0])?.end();
    (await mine[0])?.end();
    assert.deepEqual([await stateOf(mine[2]!), await stateOf(theirs[2]!)], ['goes', 'waits']);
  });

  it('go to the newest of those who wait', async () => {
    const turns = createTurns({ ...FOREVER, most: 1 });
    const first = await turns.take(client('a'));
    const old = turns.take(client('a'));
    const young = turns.take(client('a'));
    first?.end();
    assert.deepEqual([await stateOf(old), await stateOf(young)], ['waits', 'goes']);
  });

  it('are refused to the oldest where too many wait, and to whoever has waited too long', async () => {
    const turns = createTurns({ ...FOREVER, most: 1, mostWaiting: 2 });
    await turns.take(client('a'));
    const waiting = Array.from({ length: 3 }, () => turns.take(client('a')));
    assert.deepEqual(await Promise.all(waiting.map(stateOf)), ['refused', 'waits', 'waits']);
    const impatient = createTurns({ ...FOREVER, most: 1, patienceMs: 1 });
    await impatient.take(client('a'));
    assert.equal(await keptAlive(impatient.take(client('a'))), undefined);
  });

  it('are taken from those who stand still while others wait, never while the next piece is not ready', async () => {
    const cut: string[] = [];
    const turns = createTurns({ ...FOREVER, most: 2, stallMsUnderLoad: 1 });
    const stalled = await turns.take(client('a', () => void cut.push('stalled')));
    const unready = await turns.take(client('b', () => void cut.push('not ready')));
    unready?.waitForClient();
    unready?.letClientWait();
    stalled?.waitForClient();
    assert.ok(await keptAlive(turns.take(client('c'))));
    assert.deepEqual(cut, ['stalled']);
  });

  it('are taken from those who stand still when memory is short, and in the end from all', async () => {
    const cases = [
      { options: { stallMsUnderLoad: 1 }, isPressed: true },
      { options: { stallMs: 1 }, isPressed: false },
      { options: { longestMs: 1 }, isPressed: false },
    ];
    for (const { options, isPressed } of cases) {
      const turns = createTurns({ ...FOREVER, most: 2, ...options }, () => isPressed);
      await keptAlive(
        new Promise<void>((resolve, reject) => {
          turns.take(client('a', resolve)).then((turn) => turn?.waitForClient(), reject);
        }),
      );
    }
  });

  it('are waited for by nobody who has gone', async () => {
    const turns = createTurns({ ...FOREVER, most: 1 });
    await turns.take(client('a'));
    assert.equal(await keptAlive(turns.take(client('a', undefined, () => true))), undefined);
  });

  it('have no limit if none is wanted', async () => {
    const turns = createTurns({ ...FOREVER, most: 0 });
    const all = Array.from({ length: 100 }, () => turns.take(client('a')));
    assert.ok((await Promise.all(all)).every(Boolean));
  });
});

/** The timer of turns does not keep a process alive; a server does. */
async function keptAlive<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 1_000);
  return promise.finally(() => clearInterval(timer));
}
