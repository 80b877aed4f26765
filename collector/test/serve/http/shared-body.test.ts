import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SharedBody } from '../../../serve/http/shared-body.ts';

function countedPieces(count: number, failAt = Infinity) {
  const made = { count: 0 };
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let i = 0; i < count; i++) {
      if (i === failAt) throw new Error('broken');
      made.count++;
      yield Buffer.from([i]);
    }
  }
  return { made, body: new SharedBody(pieces()) };
}

async function readAll(body: SharedBody): Promise<number[]> {
  const bytes: number[] = [];
  for await (const piece of body.read()) bytes.push(...piece);
  return bytes;
}

describe('a shared body', () => {
  it('is made once for all its readers, whole for each', async () => {
    const { made, body } = countedPieces(5);
    const all = await Promise.all([readAll(body), readAll(body), readAll(body)]);
    for (const bytes of all) assert.deepEqual(bytes, [0, 1, 2, 3, 4]);
    assert.deepEqual(await readAll(body), [0, 1, 2, 3, 4]);
    assert.deepEqual([made.count, body.bytes], [5, 5]);
  });

  it('is made no faster than its fastest reader reads', async () => {
    const { made, body } = countedPieces(100);
    const slow = body.read();
    await slow.next();
    assert.equal(made.count, 1);
    const faster = body.read();
    for (let i = 0; i < 3; i++) await faster.next();
    assert.equal(made.count, 3);
  });

  it('that cannot be made fails for every reader, and is never taken for a whole one', async () => {
    const { body } = countedPieces(5, 2);
    await assert.rejects(readAll(body), /broken/);
    await assert.rejects(readAll(body), /broken/);
  });

  it('lets the event loop run between its pieces', async () => {
    const { body } = countedPieces(20);
    let turns = 0;
    const count = (): void => {
      turns++;
      setImmediate(count).unref();
    };
    setImmediate(count).unref();
    await readAll(body);
    assert.ok(turns >= 20, `${turns} turns`);
  });
});
