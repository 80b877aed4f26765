/** Recorded output of real versions: the same script must give the same messages, whatever the version made of them. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Decode, makeDecoder, toLog } from '../lib/decode.ts';
import { type Message, parseVersion } from '../lib/index.ts';
import { findMaps } from '../lib/script.ts';

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');

function decoderFor(version: string, script: string): Decode {
  const parsed = parseVersion(version);
  assert.ok(parsed);
  return makeDecoder(parsed, findMaps(script));
}

function decode(version: string): Message[] {
  const lines = fixture(`${version}.stdout`).split('\n');
  return lines.filter((line) => line !== '').map(decoderFor(version, fixture('everything.bt')));
}

/** What does not depend on the order in which a kernel's hash gives its keys. */
function mapsOf(messages: readonly Message[]): ReadonlyMap<string, unknown> {
  return new Map(
    messages.flatMap((message) => {
      if (!('entries' in message)) return [];
      const { name, type, entries } = message;
      const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
      return [
        [`${type} ${name}`, sorted.length === 1 && sorted[0]?.[0] === '' ? sorted[0][1] : Object.fromEntries(sorted)],
      ];
    }),
  );
}

const bucket = (min: number, max: number, count: number): object => ({ min, max, count });

const SAME = {
  'hist @before': [bucket(1, 1, 12)],
  'map @scalar': 42,
  'map @negative': -7,
  'map @large': 9_007_199_254_740_993n,
  'map @string': 'digits 12, and "more"',
  'map @tuple': [1, 'two', [3, 4]],
  'map @one': { 9: 1, 10: 2 },
  'map @count': 1,
  'map @count_by': { x: 1 },
  'map @sum': 11,
  'map @avg': 5,
  'map @min': 5,
  'map @max': 5,
  'stats @stats': { count: 2, average: 5, total: 11 },
  'stats @stats_by': { x: { count: 1, average: -1, total: -1 } },
  'hist @hist': [
    { max: -1, count: 1 },
    bucket(0, 0, 1),
    bucket(1, 1, 1),
    bucket(2, 3, 0),
    bucket(4, 7, 0),
    bucket(8, 15, 1),
  ],
  'lhist @lhist': [{ max: -1, count: 1 }, bucket(0, 9, 0), bucket(10, 19, 2), bucket(20, 29, 0), { min: 30, count: 1 }],
  'lhist @lhist_by': { k: [bucket(0, 0, 1)] },
  'hist @after': { 'x\u0001y': [bucket(1, 1, 17)] },
  'map @full': { 1: 1, 2: 1, 3: 1, 4: 1 },
};

for (const version of ['0.17.0', '0.23.2', '0.27.1']) {
  describe(`bpftrace ${version}`, () => {
    const messages = decode(version);
    const maps = mapsOf(messages);

    test('every line is understood', () => {
      assert.deepEqual(
        messages.filter(({ type }) => type === 'unknown' || type === 'note'),
        [],
      );
    });

    test('maps, histograms and statistics', () => {
      for (const [name, value] of Object.entries(SAME)) assert.deepEqual(maps.get(name), value, name);
    });

    test('text, values and attached probes', () => {
      assert.deepEqual(messages[0], { type: 'attached', probes: 4 });
      const told = messages.filter(({ type }) => type === 'value' || type === 'time' || type === 'cat');
      assert.deepEqual(told, [
        { type: 'value', value: [1, 'x'] },
        { type: 'value', value: 5 },
        { type: 'time', text: '2026\n' },
        { type: 'cat', text: 'Linux\n' },
        { type: 'value', value: 'No such file or directory' },
      ]);
      const [first, ...others] = messages.filter((message) => message.type === 'printf');
      assert.equal(first?.text, 'a "quote", a \\ backslash, a tab\t, café, an escape \u001b[0m\n');
      assert.equal(others.at(-1)?.text, 'end\n');
    });

    test('a failed helper', () => {
      const [failed, ...others] = messages.filter((message) => message.type === 'helper-error');
      assert.equal(others.length, 0);
      assert.equal(failed?.helper, 'map_update_elem');
      assert.equal(failed.returnCode, -7);
      assert.equal(failed.line, 36);
      assert.equal('text' in failed, version !== '0.17.0');
    });

    test('what arrived and what was lost make the whole', () => {
      const arrived = messages.filter((message) => message.type === 'printf' && message.text.startsWith('digits'));
      const losses = messages.filter((message) => message.type === 'lost');
      assert.equal(losses.length, 3);
      assert.equal(arrived.length + losses.reduce((sum, { events }) => sum + events, 0), 300);
    });

    test('stderr holds warnings only', () => {
      const lines = fixture(`${version}.stderr`).split('\n');
      const types = new Set(lines.map((line) => toLog(line, 'stderr').type));
      assert.ok(types.has('warning') && !types.has('error'));
    });
  });
}

describe('what differs', () => {
  test('before 0.20 a histogram ends at 2^31', () => {
    const buckets = {
      '1,a b': [bucket(2 ** 29, 2 ** 30 - 1, 1), bucket(2 ** 30, 2 ** 31 - 1, 0), { min: 2 ** 31, count: 2 }],
    };
    assert.deepEqual(mapsOf(decode('0.17.0')).get('hist @hist_by'), buckets);
    const later = mapsOf(decode('0.23.2')).get('hist @hist_by') as Record<string, object[]>;
    assert.deepEqual(later['1,a b']?.at(-1), bucket(2 ** 34, 2 ** 35 - 1, 1));
  });

  test('from 0.24 on keys have no spaces, and so can be equal', () => {
    const entriesOf = (version: string, name: string): unknown =>
      decode(version).flatMap((message) => (message.type === 'map' && message.name === name ? message.entries : []));
    assert.deepEqual(entriesOf('0.23.2', '@many'), [['1,comm, with comma,-2', 3]]);
    assert.deepEqual(entriesOf('0.27.1', '@many'), [['1,comm,withcomma,-2', 3]]);
    assert.deepEqual(entriesOf('0.27.1', '@text'), [
      ['ab', 2],
      ['ab', 1],
    ]);
  });
});
