import assert from 'node:assert/strict';
import { it } from 'node:test';
import { errnoName } from '../../system/errno.ts';

it('errors have the names of the manual pages, internal ones those of the kernel', () => {
  const names = [2, 11, 12, 13, 80, 95, 129, 513, 999].map(errnoName);
  assert.deepEqual(names, [
    'ENOENT',
    'EAGAIN',
    'ENOMEM',
    'EACCES',
    'ELIBBAD',
    'EOPNOTSUPP',
    'EKEYREJECTED',
    'ERESTARTNOINTR',
    '999',
  ]);
});
