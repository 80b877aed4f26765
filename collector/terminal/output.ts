import { styleText } from 'node:util';

/** Where a command writes: data to standard output, messages to standard error. */
export interface Output {
  /** The width of the terminal in columns. Infinity if data does not go to a terminal. */
  readonly width: number;
  readonly data: (text: string) => void;
  readonly talk: (text: string) => void;
  /** Shows one line that the next output replaces, and only where talk goes to a terminal. An empty text clears it. */
  readonly progress: (text: string) => void;
  /** Colours data, if it goes to a terminal that shows colours and NO_COLOR is not set. */
  readonly style: (format: 'bold' | 'inverse' | 'red' | 'yellow' | 'green', text: string) => string;
}

/** Whether a line of progress stands on the terminal. */
let isShown = false;

function clear(): void {
  if (isShown) process.stderr.write('\r\x1b[K');
  isShown = false;
}

export const standardOutput: Output = {
  get width() {
    return process.stdout.columns || Infinity;
  },
  data(text) {
    clear();
    process.stdout.write(text);
  },
  talk(text) {
    clear();
    process.stderr.write(text);
  },
  progress(text) {
    clear();
    if (!process.stderr.isTTY || text === '') return;
    // A longer line would take two, of which only the last can be cleared.
    process.stderr.write(text.slice(0, (process.stderr.columns || 80) - 1));
    isShown = true;
  },
  style: (format, text) => styleText(format, text, { stream: process.stdout }),
};
