import assert from 'node:assert/strict';
import { hash } from 'bcryptjs';
import { after, describe, it } from 'node:test';
import { createPasswordChecks, type PasswordChecks } from '../../../serve/http/passwords.ts';

const quick = await hash('right', 4);
const slow = await hash('right', 10);
const all: PasswordChecks[] = [];
after(() => {
  for (const checks of all) checks.close();
});

function start(...limits: Parameters<typeof createPasswordChecks>): PasswordChecks {
  const checks = createPasswordChecks(...limits);
  all.push(checks);
  return checks;
}

describe('checks of passwords', () => {
  it('tell right from wrong', async () => {
    const checks = start();
    assert.equal(await checks.check({ password: 'right', hash: quick }, 'a'), true);
    assert.equal(await checks.check({ password: 'wrong', hash: quick }, 'a'), false);
    assert.equal(await checks.check({ password: 'right', hash: 'no hash' }, 'a'), false);
  });

  it('do not hold the event loop', async () => {
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns++;
      if (!done) setImmediate(count);
    };
    const checks = start();
    await checks.check({ password: 'right', hash: quick }, 'a');
    count();
    // The other thread may have a CPU while this one waits for one.
    for (let checked = 0; checked < 3; checked++) await checks.check({ password: 'right', hash: slow }, 'a');
    done = true;
    assert.ok(turns > 50, `${turns} turns of the event loop`);
  });

  it('let addresses take turns, however many passwords one of them tries', async () => {
    const checks = start({ mostOfAddress: 100, most: 200 });
    const order: string[] = [];
    const check = async (address: string) => {
      await checks.check({ password: 'wrong', hash: quick }, address);
      order.push(address);
    };
    await Promise.all([...Array.from({ length: 20 }, () => check('guesser')), check('user'), check('user')]);
    assert.ok(order.lastIndexOf('user') <= 4, order.join(' '));
  });

  it('are refused where too many of an address wait, or too many in all', async () => {
    const checks = start({ mostOfAddress: 2, most: 3 });
    const check = (address: string) => checks.check({ password: 'wrong', hash: quick }, address);
    const a = [check('a'), check('a'), check('a'), check('a')];
    // The first runs, two wait.
    assert.deepEqual(
      a.map((answer) => answer === undefined),
      [false, false, false, true],
    );
    assert.notEqual(check('b'), undefined);
    assert.equal(check('c'), undefined);
    for (const answer of a) await answer;
    assert.notEqual(check('c'), undefined);
  });

  it('end at once when the server does, refused', async () => {
    const checks = start();
    const answers = Array.from({ length: 3 }, () => checks.check({ password: 'right', hash: slow }, 'a'));
    checks.close();
    for (const answer of answers) assert.equal(await answer, false);
  });
});
