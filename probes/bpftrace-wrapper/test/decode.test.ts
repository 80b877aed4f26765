/** Lines of versions that cannot be installed here, built after src/output.cpp and src/output/json.cpp of each. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Decode, makeDecoder, toLog } from '../lib/decode.ts';
import { parseVersion } from '../lib/index.ts';
import { findMaps } from '../lib/script.ts';

function decoder(text: string, script = ''): Decode {
  const version = parseVersion(text);
  assert.ok(version);
  return makeDecoder(version, findMaps(script));
}

describe('integers', () => {
  test('are exact at any size', () => {
    const decode = decoder('0.17', '@n[1] = 1');
    const line =
      '{"type": "map", "data": {"@n": {"1": 9007199254740991, "2": 9007199254740992, "3": -9223372036854775808}}}';
    assert.deepEqual(decode(line), {
      type: 'map',
      name: '@n',
      entries: [
        ['1', 9_007_199_254_740_991],
        ['2', 9_007_199_254_740_992n],
        ['3', -9_223_372_036_854_775_808n],
      ],
    });
  });

  test('from 0.24 on may be strings; strings of digits that need not be integers stay strings', () => {
    const line = '{"type": "map", "data": {"@n": {"1": "18446744073709551615", "2": "9007199254740992", "3": "42"}}}';
    const values = (version: string): unknown[] => {
      const message = decoder(version, '@n[1] = 1')(line);
      return message.type === 'map' ? message.entries.map(([, value]) => value) : [];
    };
    assert.deepEqual(values('0.26.1'), [18_446_744_073_709_551_615n, '9007199254740992', '42']);
    assert.deepEqual(values('0.23.2'), ['18446744073709551615', '9007199254740992', '42']);
  });

  test('as strings in statistics and bounds', () => {
    const decode = decoder('0.25.1');
    const stats = '{"type": "stats", "data": {"@s": {"count": 3, "average": 5, "total": "9007199254740993"}}}';
    assert.deepEqual(decode(stats), {
      type: 'stats',
      name: '@s',
      entries: [['', { count: 3, average: 5, total: 9_007_199_254_740_993n }]],
    });
    const hist = '{"type": "hist", "data": {"@h": [{"min": 9223372036854775808, "max": "-1", "count": 1}]}}';
    assert.deepEqual(decode(hist), {
      type: 'hist',
      name: '@h',
      entries: [['', [{ min: 9_223_372_036_854_775_808n, max: -1, count: 1 }]]],
    });
  });
});

describe('counts after an escape are hexadecimal from 0.24 on', () => {
  const hist = '{"type": "hist", "data": {"@h": [{"min": 10, "max": 11, "count": 3e8}]}}';
  const counts = (decode: Decode): unknown => {
    const message = decode(hist);
    return message.type === 'hist' && message.entries[0]?.[1][0]?.count;
  };

  test('in hist and lost_events, not in bounds, maps or statistics', () => {
    const decode = decoder('0.24.2');
    assert.deepEqual(decode('{"type": "lost_events", "count": 10, "data": {"events": 10}}'), {
      type: 'lost',
      events: 10,
    });
    decode('{"type": "printf", "data": "\\u001b"}');
    assert.deepEqual(decode(hist), { type: 'hist', name: '@h', entries: [['', [{ min: 10, max: 11, count: 1000 }]]] });
    assert.deepEqual(decode('{"type": "lost_events", "count": 10, "data": {"events": 10}}'), {
      type: 'lost',
      events: 16,
    });
    assert.deepEqual(decode('{"type": "map", "data": {"@count": 10}}'), {
      type: 'map',
      name: '@count',
      entries: [['', 10]],
    });
    const stats = decode('{"type": "stats", "data": {"@s": {"count": 10, "average": 10, "total": 10}}}');
    assert.deepEqual(stats, { type: 'stats', name: '@s', entries: [['', { count: 10, average: 10, total: 10 }]] });
  });

  test('within one line too', () => {
    const line =
      '{"type": "hist", "data": {"@h": {"a": [{"min": 1, "max": 1, "count": 10}], "\\uffffffc3\\uffffffa9": [{"min": 1, "max": 1, "count": 10}]}}}';
    const message = decoder('0.26.1')(line);
    assert.deepEqual(message.type === 'hist' && message.entries.map(([key, [bucket]]) => [key, bucket?.count]), [
      ['a', 10],
      ['é', 16],
    ]);
  });

  test('a quoted backslash is no escape, and before 0.24 none has that effect', () => {
    const plain = decoder('0.24.2');
    plain('{"type": "printf", "data": "C:\\\\users \\n \\" \\t"}');
    assert.equal(plain('{"type": "lost_events", "count": 10, "data": {"events": 10}}').type, 'lost');
    assert.deepEqual(plain('{"type": "lost_events", "data": {"events": 10}}'), { type: 'lost', events: 10 });
    const old = decoder('0.23.2');
    old('{"type": "printf", "data": "\\u001b"}');
    assert.deepEqual(old('{"type": "lost_events", "data": {"events": 10}}'), { type: 'lost', events: 10 });
    assert.equal(counts(decoder('0.24.0')), false);
  });
});

describe('maps', () => {
  test('an empty one, as 0.24 prints it', () => {
    assert.deepEqual(decoder('0.24.0', '@m[pid] = 1')('{"type": "map", "data": {"@m": {}}}'), {
      type: 'map',
      name: '@m',
      entries: [],
    });
  });

  test('keys that look like numbers keep their order, and equal keys are all there', () => {
    const message = decoder('0.26.1', '@m[pid] = 1')('{"type": "map", "data": {"@m": {"9": 1, "1": 2, "9": 3}}}');
    assert.deepEqual(message.type === 'map' && message.entries, [
      ['9', 1],
      ['1', 2],
      ['9', 3],
    ]);
  });

  test('keys are escaped twice in 0.22 and 0.23', () => {
    const line = '{"type": "map", "data": {"@m": {"a\\\\\\"b": 1}}}';
    const key = (version: string): unknown => {
      const message = decoder(version, '@m[comm] = 1')(line);
      return message.type === 'map' && message.entries[0]?.[0];
    };
    assert.equal(key('0.21.3'), String.raw`a\"b`);
    assert.equal(key('0.22.0'), 'a"b');
    assert.equal(key('0.23.5'), 'a"b');
    assert.equal(key('0.24.0'), String.raw`a\"b`);
  });

  test('a record is no map with keys', () => {
    const decode = decoder('0.21.0', '@r = *(struct s *)arg0; @k[1] = 2;');
    assert.deepEqual(decode('{"type": "map", "data": {"@r": { "a": 1, "b": [2,3] }}}'), {
      type: 'map',
      name: '@r',
      entries: [
        [
          '',
          {
            fields: [
              ['a', 1],
              ['b', [2, 3]],
            ],
          },
        ],
      ],
    });
  });

  test('averages by key are values, as in 0.17', () => {
    assert.deepEqual(decoder('0.17.0', '@a[pid] = avg(1)')('{"type": "stats", "data": {"@a": {"7": 5, "8": 6}}}'), {
      type: 'map',
      name: '@a',
      entries: [
        ['7', 5],
        ['8', 6],
      ],
    });
  });

  test('time series, with the quotes that 0.24.0 forgets', () => {
    const expected = { type: 'tseries', name: '@t', entries: [['', [{ start: '10:00:01.5', value: 3 }]]] };
    const line = '{"type": "tseries", "data": {"@t": [{"interval_start":10:00:01.5,"value":3}]}}';
    assert.deepEqual(decoder('0.24.0')(line), expected);
    assert.deepEqual(decoder('0.26.1')(line.replace('10:00:01.5', '"10:00:01.5"')), expected);
  });

  test('finer histograms, of hist(n, k) from 0.20 on', () => {
    const line =
      '{"type": "hist", "data": {"@h": [{"min": 8, "max": 9, "count": 1}, {"min": 10, "max": 11, "count": 2}]}}';
    assert.deepEqual(decoder('0.20.0', '@h = hist(1, 2)')(line), {
      type: 'hist',
      name: '@h',
      entries: [
        [
          '',
          [
            { min: 8, max: 9, count: 1 },
            { min: 10, max: 11, count: 2 },
          ],
        ],
      ],
    });
  });
});

describe('other messages', () => {
  test('warnf, errorf and runtime errors of a script', () => {
    const decode = decoder('0.26.1');
    const rest = '"msg": "why", "filename": "stdin", "line": 3, "col": 7}';
    const log = { text: 'why', source: 'script', line: 3, column: 7 };
    assert.deepEqual(decode(`{"type": "warnf", ${rest}`), { type: 'warning', ...log });
    assert.deepEqual(decode(`{"type": "errorf", ${rest}`), { type: 'error', ...log });
    assert.deepEqual(decode(`{"type": "runtime_error", ${rest}`), { type: 'error', ...log });
  });

  test('attached probes with and without a second count', () => {
    assert.deepEqual(decoder('0.24.0')('{"type": "attached_probes", "count": 3, "data": {"probes": 3}}'), {
      type: 'attached',
      probes: 3,
    });
  });

  test('a type that is not known, a line cut short, and garbage lose nothing', () => {
    const decode = decoder('0.26.1');
    for (const json of ['{"type": "test_result", "data": {"t": {"passed": true}}}', '{"type": "map", "data": {"@x"']) {
      assert.deepEqual(decode(json), { type: 'unknown', json });
    }
    assert.deepEqual(decode('{"type": "hist", "data": 3}').type, 'unknown');
    assert.deepEqual(decode(`{"type": "value", "data": ${'['.repeat(100_000)}`).type, 'unknown');
  });

  test('lines that are no JSON', () => {
    const decode = decoder('0.26.1');
    const warning = 'stdin:1:9-16: WARNING: signed comparison';
    assert.deepEqual(decode(warning), { type: 'warning', text: warning, source: 'stdout' });
    assert.deepEqual(decode('    ~~~~'), { type: 'note', text: '    ~~~~', source: 'stdout' });
    assert.equal(toLog('ERROR: no', 'stderr').type, 'error');
    assert.equal(toLog("ERROR: Unknown error -1: couldn't set RLIMIT_MEMLOCK for bpftrace.", 'stderr').type, 'warning');
    assert.equal(toLog('x'.repeat(100_000), 'stderr').text.length, 4097);
  });
});
