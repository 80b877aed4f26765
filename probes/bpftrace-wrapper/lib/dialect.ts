/**
 * Parses the JSON that bpftrace writes, which is not quite JSON. `JSON.parse` would round big integers, drop all but the last
 * of equal keys, put keys that look like numbers first, and misread or reject the cases below.
 */

import type { Integer } from './messages.ts';
import { type Version, atLeast } from './version.ts';

export type Tree = Integer | string | boolean | null | readonly Tree[] | Pairs;

/** An object that keeps its order and equal keys. */
export class Pairs {
  readonly pairs: [string, Tree][] = [];
  get(name: string): Tree | undefined {
    return this.pairs.find(([key]) => key === name)?.[1];
  }
}

export interface Quirks {
  /**
   * From 0.24 on (and still in 0.27), bpftrace writes an escape such as \u001b with `std::hex` and never resets the stream, so
   * all later counts are hexadecimal. A hexadecimal 3e8 is also a valid JSON number, so the count itself does not show it.
   * `JsonEmitter<std::string>` in src/output/json.cpp.
   */
  readonly hexAfterEscape: boolean;
  /** Whether keys of maps are escaped twice, as in 0.22 and 0.23. `JsonOutput::map_key_to_str` in src/output.cpp. */
  readonly keysEscapedTwice: boolean;
}

export function quirksOf(version: Version): Quirks {
  return {
    hexAfterEscape: atLeast(version, '0.24'),
    keysEscapedTwice: atLeast(version, '0.22') && !atLeast(version, '0.24'),
  };
}

/** Numbers with these names are written by the C++ stream itself, in its base. */
const COUNTS: ReadonlySet<string> = new Set(['count', 'events', 'probes']);
const COUNTING_TYPES: ReadonlySet<Tree | undefined> = new Set(['hist', 'lost_events', 'attached_probes']);
const MAX_DEPTH = 32;

/** Parses the lines of one run, in their order. */
export class Dialect {
  readonly #quirks: Quirks;
  #hex = false;
  #text = '';
  #at = 0;
  #type: Tree | undefined;

  constructor(quirks: Quirks) {
    this.#quirks = quirks;
  }

  /** Throws a SyntaxError if the line is not valid. */
  parse(line: string): Tree {
    this.#text = line;
    this.#at = 0;
    this.#type = undefined;
    const tree = this.#value('', 0);
    this.#space();
    if (this.#at < line.length) this.#fail();
    return tree;
  }

  #value(name: string, depth: number): Tree {
    if (depth > MAX_DEPTH) this.#fail();
    this.#space();
    const next = this.#text[this.#at];
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    return next === '"' ? this.#string() : this.#word(name);
  }

  #object(depth: number): Pairs {
    const object = new Pairs();
    for (let first = true; !this.#closes('}', first); first = false) {
      this.#space();
      const name = this.#name(depth);
      this.#expect(':');
      const value = this.#value(name, depth + 1);
      object.pairs.push([name, value]);
      if (depth === 0 && first && name === 'type') this.#type = value;
    }
    return object;
  }

  #array(depth: number): Tree[] {
    const array: Tree[] = [];
    for (let first = true; !this.#closes(']', first); first = false) array.push(this.#value('', depth + 1));
    return array;
  }

  /** Steps over the opening bracket, a comma, or the closing bracket. Gives true after the closing one. */
  #closes(bracket: string, first: boolean): boolean {
    if (first) this.#at++;
    this.#space();
    if (this.#text[this.#at] === bracket) {
      this.#at++;
      return true;
    }
    if (!first) this.#expect(',');
    return false;
  }

  /** Parses a name. The keys of maps are at depth 2: {"type": …, "data": {"@map": {"key": …}}}. */
  #name(depth: number): string {
    const name = this.#string();
    return this.#quirks.keysEscapedTwice && depth === 2 ? name.replace(ESCAPE, unescape) : name;
  }

  #string(): string {
    if (this.#text[this.#at] !== '"') this.#fail();
    const start = ++this.#at;
    let escaped = false;
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x5c) {
        escaped = true;
        this.#at++;
      } else if (code === 0x22) {
        const raw = this.#text.slice(start, this.#at++);
        return escaped ? this.#unescape(raw) : raw;
      }
    }
    return this.#fail();
  }

  #unescape(raw: string): string {
    if (this.#quirks.hexAfterEscape && /(?<!\\)(?:\\\\)*\\u/.test(raw)) this.#hex = true;
    return raw.replace(ESCAPE, unescape);
  }

  /** Parses a number, or a value that bpftrace does not quote: times, MAC addresses, and paths of cgroups. */
  #word(name: string): Tree {
    const start = this.#at;
    while (this.#at < this.#text.length && !',]}'.includes(this.#text[this.#at] ?? '')) this.#at++;
    const word = this.#text.slice(start, this.#at).trim();
    if (word === '') this.#fail();
    if (this.#hex && COUNTS.has(name) && COUNTING_TYPES.has(this.#type)) return toInteger(`0x${word}`);
    if (/^-?\d+$/.test(word)) return toInteger(word);
    if (/^-?\d+\.\d+$/.test(word)) return Number(word);
    return WORDS.has(word) ? (WORDS.get(word) ?? null) : word;
  }

  #space(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  #expect(character: string): void {
    this.#space();
    if (this.#text[this.#at] !== character) this.#fail();
    this.#at++;
  }

  #fail(): never {
    throw new SyntaxError(`not understood at ${this.#at}`);
  }
}

const WORDS = new Map<string, Tree>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Gives a number if it is exact, or a bigint. */
export function toInteger(decimal: string): Integer {
  const number = Number(decimal);
  return Number.isSafeInteger(number) ? number : BigInt(decimal);
}

/**
 * If `char` is signed, bpftrace takes each byte from 0x80 on for a negative number, and writes the UTF-8 of 'é' as
 * \uffffffc3\uffffffa9. It does not use \uffff otherwise.
 */
const ESCAPE = /(?:\\uffffff[89a-f][0-9a-f])+|\\u[0-9a-f]{4}|\\./g;
const LETTERS = new Map([
  ['\\n', '\n'],
  ['\\r', '\r'],
  ['\\t', '\t'],
  ['\\b', '\b'],
  ['\\f', '\f'],
]);

function unescape(escape: string): string {
  if (escape.startsWith('\\uffffff')) {
    const bytes = escape.split('\\uffffff').slice(1);
    return Buffer.from(bytes.join(''), 'hex').toString();
  }
  if (escape.startsWith('\\u') && escape.length === 6) return String.fromCharCode(Number.parseInt(escape.slice(2), 16));
  return LETTERS.get(escape) ?? escape.slice(1);
}
