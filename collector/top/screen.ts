/** The whole terminal: raw keys in, lines out. Whatever happens, the terminal is restored. */
import { keysOf, type Key } from './keys.ts';

/** xterm's private modes: the other screen, no cursor, clicks in SGR form. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?1000h\u001b[?1006h';
const LEAVE = '\u001b[?1006l\u001b[?1000l\u001b[?25h\u001b[?1049l';

export interface Screen extends Disposable {
  readonly width: number;
  readonly height: number;
  /** Shows these lines from the top. A line must not be longer than the terminal is wide. */
  show(lines: readonly string[]): void;
  /** Gives the terminal back to the shell, and takes it again when the job is continued. */
  suspend(): void;
}

/** `onChange` is called when all must be drawn again. */
export function openScreen(onKey: (key: Key) => void, onChange: () => void): Screen {
  const { stdin, stdout } = process;
  const onData = (data: string): void => keysOf(data).forEach(onKey);
  const enter = (): void => {
    stdin.setRawMode?.(true);
    stdout.write(ENTER);
  };
  const leave = (): void => {
    stdin.setRawMode?.(false);
    stdout.write(LEAVE);
  };
  const onContinue = (): void => {
    enter();
    onChange();
  };
  stdin.setEncoding('utf8').on('data', onData).resume();
  stdout.on('resize', onChange);
  process.on('SIGCONT', onContinue);
  process.on('exit', leave);
  enter();
  return {
    get width() {
      return stdout.columns || 80;
    },
    get height() {
      return stdout.rows || 24;
    },
    show(lines) {
      const shown = lines.slice(0, stdout.rows || 24).map((line) => `${line}\u001b[K`);
      stdout.write(`\u001b[H${shown.join('\r\n')}\u001b[J`);
    },
    suspend() {
      leave();
      // To the whole group, as a terminal sends it. Where no shell watches the group, the kernel ignores it.
      process.kill(0, 'SIGTSTP');
      onContinue();
    },
    [Symbol.dispose]() {
      leave();
      stdin.off('data', onData).pause();
      stdout.off('resize', onChange);
      process.off('SIGCONT', onContinue);
      process.off('exit', leave);
    },
  };
}
