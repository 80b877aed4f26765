import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isAtLeast, OLDEST_KERNEL, OLDEST_TESTED_KERNEL } from '../../model/kernel-version.ts';

test('releases are compared by number, not by letter', () => {
  for (const release of ['5.15.0', '5.15.0-25-generic', '5.16', '6.1.0-28-amd64', '10.0.0'])
    assert.ok(isAtLeast(release, '5.15'), release);
  for (const release of ['5.14.21', '5.2.0', '4.19.0-27-amd64', '', 'unknown'])
    assert.ok(!isAtLeast(release, '5.15'), release);
});

test('README and docs/ name the same oldest kernels', () => {
  const documents = [
    ['README.md', `Linux ${OLDEST_KERNEL} or later`],
    ['README.md', `The tests run on ${OLDEST_TESTED_KERNEL},`],
    ['docs/architecture.md', `Linux ${OLDEST_KERNEL} or later`],
    ['docs/kernels.md', `Linux ${OLDEST_KERNEL} is the oldest`],
    ['docs/engines.md', `Linux ${OLDEST_KERNEL} or later`],
  ] as const;
  for (const [path, words] of documents) {
    const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');
    assert.ok(text.includes(words), `${path}: ${words}`);
  }
});
