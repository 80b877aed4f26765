/** Command lines for people. */

/** Joins words so that a shell would read them as the same words. */
export function joinWords(words: readonly string[]): string {
  return words.map(quote).join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./^-][\w@%+=:,./^~-]*$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
