/** The public interface. README.md shows its use. */

export { BpftraceError, type BpftraceErrorCode } from './errors.ts';
export { type Bpftrace, type FindOptions, OLDEST_VERSION, findBpftrace } from './find.ts';
export { splitKey } from './keys.ts';
export { quote, script } from './literals.ts';
export type * from './messages.ts';
export type { RunOptions, Settings } from './options.ts';
export { run } from './run.ts';
export type { Ending, Trace } from './trace.ts';
export { type Version, atLeast, parseVersion } from './version.ts';
