import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absentColumns, missedColumns, type Hook } from '../../model/hooks.ts';
import { FAKE_HOOKS } from '../../../testing/fake-engine.ts';

const TIMES = 'fexit:do_wp_page';
const refused: Hook = { name: TIMES, attached: false, reason: 'EPERM', columns: ['cowFaultTimes'] };
const untried = FAKE_HOOKS.filter(({ name }) => name !== TIMES);

test('what was not asked for is absent, and nobody misses it; what was refused is missed', () => {
  assert.deepEqual([...absentColumns(untried)], [['cowFaultTimes', 'not asked for']]);
  assert.deepEqual([...missedColumns(untried)], []);
  assert.deepEqual([...missedColumns([...untried, refused])], [['cowFaultTimes', `${TIMES}: EPERM`]]);
  const withoutWaits = untried.filter(({ columns }) => !columns.includes('siblings'));
  assert.deepEqual([...missedColumns(withoutWaits).keys()], ['siblings']);
});
