/** Writes values into the text of a script. Where a parameter (`$1`) is possible, use that instead. */

import { BpftraceError } from './errors.ts';

/**
 * Makes a script with values in it. Strings become string literals, and integers become decimal numbers, so no value can
 * become code: ``script`tracepoint:sched:sched_process_exec /comm == ${name}/ { … }` ``. Takes the text raw: `\n` stays `\n`.
 */
export function script(strings: TemplateStringsArray, ...values: readonly (string | number | bigint)[]): string {
  return String.raw({ raw: strings.raw }, ...values.map(literal));
}

function literal(value: string | number | bigint): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new BpftraceError('BPFTRACE_OPTION', `${value} cannot stand in a script: it is no exact integer.`);
  }
  // Parentheses are needed because `1 -${-1}` would be a decrement.
  return value < 0 ? `(${value})` : String(value);
}

/**
 * Writes a string literal. Other than plain characters become octal escapes of their UTF-8, with three digits each, so that a
 * following digit cannot belong to the escape.
 */
export function quote(text: string): string {
  if (text.includes('\0')) {
    throw new BpftraceError('BPFTRACE_OPTION', 'A string with a zero byte cannot stand in a script.');
  }
  const bytes = [...Buffer.from(text)];
  const plain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
  const escape = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;
  return `"${bytes.map((byte) => (plain(byte) ? String.fromCharCode(byte) : escape(byte))).join('')}"`;
}
