import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseComm, parseCount, parseDuration, parseInterval, parsePid } from '../../terminal/arguments.ts';

test('durations have a unit', () => {
  assert.equal(parseDuration('500us'), 500_000);
  assert.equal(parseDuration('5ms'), 5_000_000);
  assert.equal(parseDuration('1.5s'), 1_500_000_000);
  assert.equal(parseDuration('.5s'), 500_000_000);
  assert.equal(parseDuration('2m'), 120_000_000_000);
  assert.equal(parseDuration('0s'), 0);
  for (const wrong of ['', '5', 'ms', '-5ms', '1e3s', '5 ms', '5d', '1.2.3s', '5constructor']) {
    assert.throws(() => parseDuration(wrong), { code: 'commander.invalidArgument' }, wrong);
  }
});

test('no duration is longer than a timer can be', () => {
  assert.equal(parseDuration('10000h') / 1e6, 2 ** 31 - 1);
});

test('a plain interval is in seconds', () => {
  assert.equal(parseInterval('1'), 1_000_000_000);
  assert.equal(parseInterval('0.5'), 500_000_000);
  assert.equal(parseInterval('500ms'), 500_000_000);
  for (const wrong of ['', '0', '0s', 'x', '-1']) assert.throws(() => parseInterval(wrong), wrong);
});

test('counts and pids are whole and above zero', () => {
  assert.equal(parseCount('20000'), 20_000);
  assert.equal(parsePid('4194304'), 4_194_304);
  for (const wrong of ['0', '-1', '1.5', 'x', '']) assert.throws(() => parseCount(wrong), wrong);
  assert.throws(() => parsePid('4194305'));
});

test('a name is cut as the kernel cuts it', () => {
  assert.equal(parseComm('prometheus-node-exporter'), 'prometheus-node');
  assert.throws(() => parseComm(''));
});
