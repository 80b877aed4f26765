/** User space and the compiled probes have the same columns, enums and constants. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { HISTOGRAM_BOUNDS } from '../../model/bounds.ts';
import { COST_COLUMNS } from '../../model/columns.ts';
import { snakeCase } from '../../model/names.ts';
import { CALL_HOOKS } from '../../model/hooks.ts';
import { MECHANISMS, SYSCALLS } from '../../model/spawn.ts';
import { readEnums } from '../../engine/core/enums.ts';
import { enumNames, enumValue, probeConstant, probeConstants } from '../../engine/shared/probe-constants.ts';
import { FIELDS } from '../../engine/bpftrace/lines.ts';
import { ENGINE_SCRIPT, readPeopleScript, scriptNames } from '../../engine/bpftrace/scripts.ts';
import { readEnumerators } from '../../system/btf.ts';
import { loadNative, probesPath, type Layout } from '../../system/native.ts';

/** Fields of `struct cost_row` that are not columns. */
const OTHER_FIELDS = ['last_used_ns', 'slowest'];

const object = new (loadNative().BpfObject)(probesPath);
after(() => object.close());

const topFields = ({ fields }: Layout) => Object.keys(fields).filter((name) => !name.includes('.'));

/** Gives the kind of column for a C field. */
function kindOf(field: string, { fields }: Layout): string {
  const slots = fields[`${field}.slots`];
  if (!slots) return 'counter';
  if (fields[`${field}.sum_bytes`]) return 'sizeHistogram';
  return slots.size === (probeConstant('LIFETIME_BOUNDS') + 1) * 8 ? 'lifetimeHistogram' : 'timeHistogram';
}

describe('the table of columns', () => {
  const row = object.layout('cost_row');

  test('has each field of a cost row, and no other', () => {
    const columns = Object.keys(COST_COLUMNS).map(snakeCase);
    assert.deepEqual([...columns, ...OTHER_FIELDS].toSorted(), topFields(row).toSorted());
  });

  test('has their kinds', () => {
    for (const [name, { kind }] of Object.entries(COST_COLUMNS)) assert.equal(kindOf(snakeCase(name), row), kind, name);
  });

  test('leaves a row below 4 KiB', () => assert.ok(row.size <= 4096, `${row.size}`));

  test('has as many bounds as there are slots, but the last', () => {
    for (const [name, { kind }] of Object.entries(COST_COLUMNS)) {
      if (kind === 'counter') continue;
      assert.equal(row.fields[`${snakeCase(name)}.slots`]?.size, (HISTOGRAM_BOUNDS[kind].length + 1) * 8, name);
    }
  });
});

describe('the enums', () => {
  test('have as many names here as there', () => {
    assert.equal(MECHANISMS.length, probeConstant('MECHANISMS'));
    assert.equal(SYSCALLS.length, probeConstant('SYSCALLS'));
    const enums = readEnums();
    for (const [count, nameOf] of [
      ['MECHANISMS', enums.mechanism],
      ['SYSCALLS', enums.syscall],
      ['FAILURE_KINDS', enums.failureKind],
      ['EVENT_KINDS', enums.eventKind],
    ] as const) {
      const names = Array.from({ length: probeConstant(count) }, (_, value) => nameOf(value));
      assert.equal(new Set(names).size, names.length, count);
    }
  });

  test('give values for names, and names for values', () => {
    assert.deepEqual([enumValue('EVENT', 'exec-failure'), enumValue('LABEL', 'pid')], [3, 2]);
    assert.equal(enumNames('SYSCALL', SYSCALLS)(enumValue('SYSCALL', 'vfork')), 'vfork');
  });

  test('a constant that the probes do not have is a defect', () => {
    assert.throws(() => enumNames('SYSCALL', CALL_HOOKS), /the probes have no constant SYSCALL_FENTRY/);
  });
});

describe('the constants', () => {
  test('are the enumerators of spawn.h and kernel.h', () => {
    const headers = ['spawn.h', 'kernel.h'].map((name) =>
      readFileSync(probesPath.replace('build/spawn.bpf.o', name), 'utf8'),
    );
    const written = [...headers.join('\n').matchAll(/^\t(\w+) = (0x)?(\w+),/gm)].filter(([, name]) =>
      probeConstants().has(name ?? ''),
    );
    assert.ok(written.length >= 14);
    for (const [, name = '', hexadecimal, digits = ''] of written)
      assert.equal(probeConstant(name), Number.parseInt(digits, hexadecimal ? 16 : 10), name);
  });

  test('are refused where there is no BTF', () => {
    const bytes = readFileSync(probesPath);
    assert.throws(() => readEnumerators(bytes.subarray(0, 100)), RangeError);
    assert.throws(() => readEnumerators(readFileSync(process.execPath).subarray(0, 1 << 20)), RangeError);
  });

  test('all have values when the engine’s script names them', () => {
    const code = readFileSync(ENGINE_SCRIPT, 'utf8')
      .replace(/\/\*[^]*?\*\//, '')
      .replaceAll(/\/\/.*/g, '');
    const named = new Set(code.match(/\b(?:CLONE|CODE|COMM|FAULT|PAGE|PF|SYSCALL)_\w+/g));
    assert.ok(named.size >= 16, `${named.size}`);
    for (const name of named) probeConstant(name);
  });

  test('the engine’s script prints as many fields as are read', () => {
    const printed = readFileSync(ENGINE_SCRIPT, 'utf8').matchAll(/printf\("(\w)((?: %?\w+)*)\\n"/g);
    const counts: Record<string, number> = {};
    for (const [, letter = '', fields = ''] of printed)
      counts[letter] = fields.split(' ').filter((field) => field !== '%r' && field !== '%s').length;
    assert.deepEqual(counts, FIELDS);
  });

  test('are what the scripts for people have as numbers', () => {
    let compared = 0;
    for (const name of scriptNames()) {
      const text = readFileSync(readPeopleScript(name).file, 'utf8');
      for (const [, digits, constant = ''] of text.matchAll(/\b0x(\w+)\b.*\/\/ (?:\w+, )*((?:CLONE|PF)_\w+)/g)) {
        assert.equal(Number.parseInt(digits ?? '', 16), probeConstant(constant), `${name}: ${constant}`);
        compared++;
      }
    }
    assert.ok(compared >= 5, `${compared} compared`);
  });
});
