/** Loading it is all: child_process then spawns by afork. */
declare const nothing: Readonly<Record<string, never>>;
export = nothing;
