/** Tables that stream: widths are fixed beforehand, so that a line can be written as soon as it is known. */

export interface Column<T> {
  readonly title: string;
  /** Longer cells push the rest of their line aside; nothing is lost. */
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly cell: (row: T) => string;
  /** Columns with the highest number go first when the terminal is narrow; without one, a column always stays. */
  readonly dropOrder?: number;
}

/** Drops columns until what is left, and `lastWidth` for the column after them, fits. */
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

/** Of the columns and a space after each. */
function totalWidth(columns: readonly Column<never>[]): number {
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
