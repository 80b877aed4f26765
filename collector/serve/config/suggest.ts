/** The known word that an unknown one was probably meant to be, if any: at most a third of it is wrong. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  const candidates = known.map((name) => ({ name, edits: editsTo(word, name) })).toSorted((a, b) => a.edits - b.edits);
  const [best] = candidates;
  return best && best.edits <= Math.max(1, word.length / 3) ? best.name : undefined;
}

/** A key without the section that it belongs in is that key. */
function editsTo(word: string, name: string): number {
  return name.endsWith(`.${word}`) ? 0 : distance(word, name);
}

/** Levenshtein's, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, at(row, j) + 1, at(next, j - 1) + 1));
    }
    row = next;
  }
  return at(row, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
