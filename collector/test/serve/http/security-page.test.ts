import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONNECTION_LIMITS } from '../../../serve/http/connections.ts';
import { PASSWORD_LIMITS } from '../../../serve/http/passwords.ts';
import { TURNS } from '../../../serve/http/turns.ts';

const page = readFileSync(new URL('../../../../docs/security.md', import.meta.url), 'utf8');
const text = (count: number): string => count.toLocaleString('en');

test('the limits in docs/security.md are those of the code', () => {
  const { most, mostOfAddress, mostPipelined } = CONNECTION_LIMITS;
  const sentences = [
    `${text(mostOfAddress)} for one address, ${text(most)} in all, ${mostPipelined} requests at a time on one`,
    `more than ${mostPipelined} requests at a time on one connection`,
    `${TURNS.stallMs / 1000} s in which it takes nothing end an answer, ${TURNS.stallMsUnderLoad / 1000} s while others wait`,
    `${PASSWORD_LIMITS.mostOfAddress} wait for an address, ${PASSWORD_LIMITS.most} in all`,
  ];
  for (const sentence of sentences) assert.ok(page.includes(sentence), sentence);
});
