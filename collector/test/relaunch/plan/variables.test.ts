import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesFor, type Change } from '../../../relaunch/plan/variables.ts';
import type { Via } from '../../../relaunch/choose/choose.ts';

const changed = (via: Via, set: Partial<Record<Change['name'], string>>) => changesFor(via, (name) => set[name]);

test('what stands in a variable is kept and extended', () => {
  const [node] = changed('node', { NODE_OPTIONS: '--max-old-space-size=100' });
  assert.match(node?.value ?? '', /^--max-old-space-size=100 --require=\S*afork\S*register\.c?js$/);
  const [preload] = changed('preload', { LD_PRELOAD: 'liba.so:libb.so' });
  assert.match(preload?.value ?? '', /^liba\.so:libb\.so:\/\S*libafork-preload\.so$/);
  const tunables = changed('hugepages', { GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' });
  assert.deepEqual(tunables, [{ name: 'GLIBC_TUNABLES', value: 'glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1' }]);
});

test('unset or empty, it is only ours', () => {
  assert.deepEqual(changed('hugepages', {}), [{ name: 'GLIBC_TUNABLES', value: 'glibc.malloc.hugetlb=1' }]);
  assert.deepEqual(changed('preload', { LD_PRELOAD: '' }), changed('preload', {}));
  assert.deepEqual(changed('node', { NODE_OPTIONS: '' }), changed('node', {}));
  assert.deepEqual(changed('none', {}), []);
});

test('what is there already is not added again; what somebody chose stands', () => {
  for (const [via, name] of [
    ['node', 'NODE_OPTIONS'],
    ['preload', 'LD_PRELOAD'],
  ] as const) {
    const [change] = changed(via, { [name]: 'before' });
    assert.deepEqual(changed(via, { [name]: change?.value ?? '' }), []);
  }
  assert.deepEqual(changed('hugepages', { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' }), []);
});
