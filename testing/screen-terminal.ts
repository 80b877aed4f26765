/** A terminal of a given size with a program in it: what a person would see on its screen. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { NODE_FLAGS } from './run-cli.ts';

const CLI = fileURLToPath(new URL('../collector/cli.ts', import.meta.url));
const PATIENCE_MS = 60_000;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** One place of the screen. */
export interface ScreenCell {
  readonly text: string;
  readonly isBold: boolean;
  readonly isInverse: boolean;
  /** A colour of the palette; absent where it is the default. */
  readonly colour?: number;
}

export class ScreenTerminal implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #screen: xterm.Terminal;
  /** Everything that was sent to the terminal. */
  sent = '';

  /** Runs a shell command. script(1) makes the terminal. */
  constructor(command: string, { columns, rows }: TerminalSize) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    const sized = `stty cols ${columns} rows ${rows}; ${command}`;
    const env = { ...process.env, TERM: 'xterm-256color', SHELL: '/bin/bash' };
    this.#child = spawn('script', ['-q', '-e', '-c', sized, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.sent += text;
      this.#screen.write(text);
    });
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** The lines of the screen, without what is blank at their ends. */
  lines(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: this.#screen.rows }, (_, row) =>
      (active.getLine(active.viewportY + row)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  /** Every place of the screen, row by row. */
  cells(): ScreenCell[][] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: this.#screen.rows }, (_, row) => {
      const line = active.getLine(active.viewportY + row);
      return Array.from({ length: this.#screen.cols }, (_each, column) => cellOf(line?.getCell(column)));
    });
  }

  /** Waits until the screen is as `holds` wants it, and gives its lines. */
  async until(holds: (lines: readonly string[]) => boolean): Promise<string[]> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const lines = this.lines();
      if (holds(lines)) return lines;
      if (performance.now() > deadline) throw new Error(`the screen stays:\n${lines.join('\n')}`);
      await sleep(30);
    }
  }

  async shows(pattern: RegExp): Promise<string[]> {
    return this.until((lines) => pattern.test(lines.join('\n')));
  }

  /** The exit status of the command. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    this.#screen.dispose();
  }
}

function cellOf(cell: xterm.IBufferCell | undefined): ScreenCell {
  const text = cell?.getChars() ?? '';
  return {
    text: text === '' ? ' ' : text,
    isBold: (cell?.isBold() ?? 0) !== 0,
    isInverse: (cell?.isInverse() ?? 0) !== 0,
    ...(cell?.isFgPalette() && { colour: cell.getFgColor() }),
  };
}

/** The shell command that runs forktax from source, as the test itself is run. */
export function cliCommand(args: string): string {
  return [process.execPath, ...NODE_FLAGS, CLI, args].join(' ');
}
