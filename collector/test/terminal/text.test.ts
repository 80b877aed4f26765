import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutStart, printable, wrap } from '../../terminal/text.ts';

test('what would drive or reorder the terminal is shown as an escape', () => {
  assert.equal(printable('\u001b[31mred\n'), '\\x1b[31mred\\x0a');
  assert.equal(printable('a\u0085b\u202ec'), 'a\\x85b\\u{202e}c');
  assert.equal(printable('/opt/größe/日本 x'), '/opt/größe/日本 x');
});

test('of a long path the end is kept', () => {
  assert.equal(cutStart('/usr/bin/git', 12), '/usr/bin/git');
  assert.equal(cutStart('/usr/bin/git', 8), '…bin/git');
  assert.equal(cutStart('/usr/bin/git', 0), '…');
});

test('lines break at spaces', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrap('incomprehensible', 7), ['incomprehensible']);
  assert.deepEqual(wrap('a b', Infinity), ['a b']);
});
