/** Splits keys that have several parts. */

/**
 * Splits a key that bpftrace joined with ','. The last part keeps all other commas, so put a string last in the script: with
 * `@m[pid, comm]`, `splitKey(key, 2)` is right whatever `comm` contains.
 */
export function splitKey(key: string, parts: number): string[] {
  const split = key.split(',');
  return split.length <= parts ? split : [...split.slice(0, parts - 1), split.slice(parts - 1).join(',')];
}
