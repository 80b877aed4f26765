/** The places in the kernel at which an engine looks, and what is missing without one of them. */
import { COLUMN_GROUPS, type ColumnGroup } from './columns.ts';

/** Where the spawning calls are seen; `auto` takes the first that works, in this order. */
export const CALL_HOOKS = ['fentry', 'syscalls', 'raw'] as const;
export type CallHook = (typeof CALL_HOOKS)[number];

/** One hook of an engine, attached or not. */
export interface Hook {
  readonly name: string;
  readonly attached: boolean;
  /** Why not, for a person; absent when attached. */
  readonly reason?: string;
  readonly columns: readonly ColumnGroup[];
}

/** Columns that no attached hook feeds: absent from every output, with the reason. */
export function absentColumns(hooks: readonly Hook[]): ReadonlyMap<ColumnGroup, string> {
  const absent = new Map<ColumnGroup, string>();
  for (const group of COLUMN_GROUPS) {
    const feeding = hooks.filter((hook) => hook.columns.includes(group));
    const missing = feeding.find((hook) => !hook.attached);
    if (feeding.length > 0 && missing) absent.set(group, `${missing.name}: ${missing.reason ?? 'not attached'}`);
  }
  return absent;
}
