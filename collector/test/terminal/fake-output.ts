import type { Output } from '../../terminal/output.ts';

/** Keeps the output, without styles. */
export function fakeOutput(
  width = Infinity,
): Output & { width: number; readonly written: string[]; readonly said: string[] } {
  const written: string[] = [];
  const said: string[] = [];
  return {
    width,
    written,
    said,
    data: (text) => void written.push(text),
    talk: (text) => void said.push(text),
    progress: () => {},
    style: (_format, text) => text,
  };
}
