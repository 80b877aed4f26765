/** Draws a table. */
import type { PanelData } from './data.ts';
import { escape } from './html.ts';
import { optionsOf, override } from './settings.ts';
import { format } from './units.ts';

interface Organize {
  readonly indexByName: Readonly<Record<string, number>>;
  readonly renameByName: Readonly<Record<string, string>>;
}

type Row = Map<string, string | number>;

export function table(data: PanelData): string {
  const organize = data.panel.transformations?.find(({ id }) => id === 'organize')?.options as Organize | undefined;
  if (!organize) return '';
  const columns = Object.keys(organize.indexByName).toSorted(
    (a, b) => (organize.indexByName[a] ?? 0) - (organize.indexByName[b] ?? 0),
  );
  const nameOf = (column: string) => organize.renameByName[column] ?? column;
  const rows = sorted(merged(data, columns), columns, data, nameOf);
  const head = columns
    .map((column) => `<th${column.startsWith('Value #') ? '' : ' class="key"'}>${escape(nameOf(column))}</th>`)
    .join('');
  const barred = columns.find((column) => column.startsWith('Value #'));
  const greatest = Math.max(...rows.map((row) => Number(row.get(barred ?? '') ?? 0)));
  const body = rows.map((row) => {
    const cells = columns.map((column) => {
      const value = row.get(column);
      const unit = override(data.panel, nameOf(column), 'unit');
      if (typeof value !== 'number') return `<td class="key">${escape(value ?? '')}</td>`;
      const share = column === barred && greatest > 0 ? (100 * value) / greatest : 0;
      const bar = share > 0 ? ` style="background:linear-gradient(90deg,#f7c999 ${share}%,transparent ${share}%)"` : '';
      return `<td${bar}>${format(value, unit)}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<table><tr>${head}</tr>${body.join('')}</table>`;
}

/** Makes one row of all values with equal labels, as Grafana's transformation `merge` does. */
function merged({ targets }: PanelData, columns: readonly string[]): Row[] {
  const keys = columns.filter((column) => !column.startsWith('Value #'));
  const rows = new Map<string, Row>();
  for (const { target, lines } of targets) {
    for (const { metric, points } of lines) {
      const values = keys.map((key) => metric[key] ?? '');
      const row = rows.get(values.join('\0')) ?? new Map(keys.map((key, index) => [key, values[index] ?? '']));
      row.set(`Value #${target.refId}`, points[0]?.[1] ?? NaN);
      rows.set(values.join('\0'), row);
    }
  }
  return [...rows.values()];
}

function sorted(
  rows: readonly Row[],
  columns: readonly string[],
  { panel }: PanelData,
  nameOf: (column: string) => string,
): Row[] {
  const [by] = optionsOf(panel).sortBy ?? [];
  const column = columns.find((one) => nameOf(one) === by?.displayName) ?? '';
  return rows.toSorted((a, b) => Number(b.get(column)) - Number(a.get(column)));
}
