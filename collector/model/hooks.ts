/** Hooks: the places in the kernel where an engine measures, and the columns that are absent without them. */
import { COLUMN_GROUPS, ON_REQUEST, type ColumnGroup } from './columns.ts';

/** The hooks that can see the spawning calls. `auto` takes the first that works, in this order. */
export const CALL_HOOKS = ['fentry', 'syscalls', 'raw'] as const;
export type CallHook = (typeof CALL_HOOKS)[number];

/** One hook of an engine, attached or not. */
export interface Hook {
  readonly name: string;
  readonly attached: boolean;
  /** Why the hook is not attached, for a person. Absent if it is attached. */
  readonly reason?: string;
  readonly columns: readonly ColumnGroup[];
}

/**
 * Gives the groups that no attached hook feeds, with the reason. They are absent from every output. An engine without any
 * hook measures nothing, and says so in another way.
 */
export function absentColumns(hooks: readonly Hook[]): ReadonlyMap<ColumnGroup, string> {
  const absent = new Map<ColumnGroup, string>();
  for (const group of COLUMN_GROUPS) {
    const feeding = hooks.filter((hook) => hook.columns.includes(group));
    const missing = feeding.find((hook) => !hook.attached);
    if (feeding.length === 0 && hooks.length > 0)
      absent.set(group, ON_REQUEST.has(group) ? 'not asked for' : 'this engine has no hook for it');
    else if (missing) absent.set(group, `${missing.name}: ${missing.reason ?? 'not attached'}`);
  }
  return absent;
}

/** Those of `absentColumns` that a person must hear of: all but what was not asked for. */
export function missedColumns(hooks: readonly Hook[]): ReadonlyMap<ColumnGroup, string> {
  const wasTried = (group: ColumnGroup) => hooks.some(({ columns }) => columns.includes(group));
  return new Map([...absentColumns(hooks)].filter(([group]) => !ON_REQUEST.has(group) || wasTried(group)));
}
