/** The public face: README.md shows its use. */

export { BpftraceError, type BpftraceErrorCode } from './errors.ts';
export type { Bpftrace, Version } from './find.ts';
export type * from './messages.ts';
export type { RunOptions, Settings } from './options.ts';
export type { Ending, Trace } from './trace.ts';
