import type { Change } from './variables.ts';

/** As a shell would take it. */
export function commandText(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** An environment of `NAME=value` with some variables set anew. */
export function withChanges(environment: readonly Buffer[], changes: readonly Change[]): (Buffer | string)[] {
  const isChanged = (entry: Buffer): boolean =>
    changes.some(({ name }) => entry.toString('latin1').startsWith(`${name}=`));
  const kept = environment.filter((entry) => !isChanged(entry));
  return [...kept, ...changes.map(({ name, value }) => `${name}=${value}`)];
}
