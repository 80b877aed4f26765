/** Values of engines as JSON has them here: `stallNs` is `stall_ns`, as in the NDJSON of `forktax snoop`. */
import { snakeCase } from '../../model/names.ts';
import { errnoName } from '../../system/errno.ts';

/** Goes up when a field changes its meaning or goes; new fields may come without. */
export const SCHEMA = 1;

const names = new Map<string, string>();

/** Names in snake case, at every depth; errors by name too. */
export function toRecord(value: object): Record<string, unknown> {
  const fields = Object.entries(value).map(([name, field]) => [fieldName(name), toJson(field)]);
  const record: Record<string, unknown> = Object.fromEntries(fields);
  if (typeof record['errno'] === 'number') record['errno'] = errnoName(record['errno']);
  return record;
}

function toJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(toJson);
  // JSON of a typed array is an object.
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : toRecord(value);
}

function fieldName(name: string): string {
  let known = names.get(name);
  if (known === undefined) {
    known = snakeCase(name);
    names.set(name, known);
  }
  return known;
}
