/** Tables that stream: widths are fixed beforehand, so each line can be written at once. */

export interface Column<T> {
  readonly title: string;
  /** The width in characters. A longer cell is not cut: it moves the rest of its line. */
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly cell: (row: T) => string;
  /** On a narrow terminal, columns with the highest number are dropped first. A column without one always stays. */
  readonly dropOrder?: number;
}

/** Drops columns until the rest, with `lastWidth` for the column after them, fits. */
export function fitColumns<C extends Column<never>>(
  columns: readonly C[],
  lastWidth: number,
  terminalWidth: number,
): C[] {
  const kept = [...columns];
  while (totalWidth(kept) + lastWidth > terminalWidth) {
    const next = Math.max(...kept.map((column) => column.dropOrder ?? 0));
    if (next === 0) break;
    kept.splice(
      kept.findIndex((column) => column.dropOrder === next),
      1,
    );
  }
  return kept;
}

/** Gives the width of the columns with a space after each. */
export function totalWidth(columns: readonly Column<never>[]): number {
  return columns.reduce((sum, { width }) => sum + width + 1, 0);
}

export function tableHeader(columns: readonly Column<never>[]): string {
  return columns.map((column) => pad(column, column.title)).join(' ');
}

export function tableLine<T>(columns: readonly Column<T>[], row: T): string {
  return columns.map((column) => pad(column, column.cell(row))).join(' ');
}

function pad({ width, align }: Column<never>, text: string): string {
  return align === 'left' ? text.padEnd(width) : text.padStart(width);
}
