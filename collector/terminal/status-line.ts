/** One line on standard error that says how far a command is, and changes in place. Shown on a terminal only. */
export class StatusLine {
  #shown = false;

  /** The text is cut to the width of the terminal. */
  show(text: string): void {
    const { isTTY, columns } = process.stderr;
    if (!isTTY) return;
    process.stderr.write(`\r${text.slice(0, Math.max((columns || 80) - 1, 1))}\u001b[K`);
    this.#shown = true;
  }

  /** Removes the line, so that other output can follow. */
  clear(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
    this.#shown = false;
  }
}
