/** Keys of several parts. */

/**
 * Takes apart a key that bpftrace joined with ','. The last part keeps what commas are left over, so put a string last in
 * the script: `@m[pid, comm]`, and `splitKey(key, 2)` is right whatever `comm` holds.
 */
export function splitKey(key: string, parts: number): string[] {
  const split = key.split(',');
  return split.length <= parts ? split : [...split.slice(0, parts - 1), split.slice(parts - 1).join(',')];
}
