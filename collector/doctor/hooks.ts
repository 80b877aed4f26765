import type { Hook } from '../model/hooks.ts';
import { ON_REQUEST } from '../model/columns.ts';
import { COLUMN_NAMES } from '../terminal/column-names.ts';
import type { Finding } from './findings.ts';

/** Gives one finding for each hook that was tried, attached or not. */
export function examineHooks(hooks: readonly Hook[], mayLoad: boolean): Finding[] {
  const seen = new Set(hooks.filter(({ attached }) => attached).flatMap(({ columns }) => columns));
  return hooks.map(({ name: check, attached, reason: told, columns }) => {
    const names = columns.map((column) => COLUMN_NAMES[column]).join(', ');
    const reason = mayLoad ? (told ?? 'not attached') : 'this process may not load BPF programs';
    if (attached) return { check, status: 'ok', found: names };
    if (columns.length > 0 && columns.every((column) => seen.has(column))) {
      return {
        check,
        status: 'note',
        found: `not attached, and not needed: another hook measures ${names} (${reason})`,
      };
    }
    const found = columns.length > 0 ? `${names} cannot be measured: ${reason}` : reason;
    if (columns.includes('spawns')) return { check, status: 'fail', found };
    const isSpare = columns.length > 0 && columns.every((column) => ON_REQUEST.has(column));
    return { check, status: isSpare ? 'note' : 'warn', found };
  });
}
