/** An interactive bash on its own terminal. A test types to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const PROMPT = 'READY> ';
const PATIENCE_MS = 60_000;

export class Terminal implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = '';

  /** Lets script(1) make the terminal. */
  static async open(): Promise<Terminal> {
    const terminal = new Terminal();
    await terminal.until(/[#$] $/);
    terminal.type(`bind 'set enable-bracketed-paste off'; PS1='READ''Y> '; stty -echo\r`);
    await terminal.prompt();
    return terminal;
  }

  private constructor() {
    const args = ['-q', '-c', 'bash --norc --noprofile -i', '/dev/null'];
    this.#child = spawn('script', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Runs a command, and gives what it prints until the next prompt. */
  async command(text: string): Promise<string> {
    this.type(`${text}\r`);
    return this.prompt();
  }

  prompt(): Promise<string> {
    return this.until(new RegExp(PROMPT));
  }

  /** Waits for a match, and gives the output up to its end. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match) {
        const taken = this.#output.slice(0, match.index + match[0].length);
        this.#output = this.#output.slice(taken.length);
        return taken;
      }
      if (performance.now() > deadline) throw new Error(`${pattern} did not come: ${JSON.stringify(this.#output)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL'); // its jobs get SIGHUP
    await once(this.#child, 'exit');
  }
}
