import { styleText } from 'node:util';

/** Where a command writes: data to standard output, messages to standard error. */
export interface Output {
  /** The width of the terminal in columns. Infinity if data does not go to a terminal. */
  readonly width: number;
  readonly data: (text: string) => void;
  readonly talk: (text: string) => void;
  /** Colours data, if it goes to a terminal that shows colours and NO_COLOR is not set. */
  readonly style: (format: 'bold' | 'red' | 'yellow' | 'green', text: string) => string;
}

export const standardOutput: Output = {
  get width() {
    return process.stdout.columns || Infinity;
  },
  data: (text) => void process.stdout.write(text),
  talk: (text) => void process.stderr.write(text),
  style: (format, text) => styleText(format, text, { stream: process.stdout }),
};
