const SCHEMA = 1;

/**
 * The fields that every JSON object of `relaunch` and `advise` begins with. Within one schema version fields may be added,
 * and none changes its meaning.
 */
export function jsonRecord(type: string): object {
  return { schema: SCHEMA, type };
}
