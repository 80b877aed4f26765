/** All errors by code. The message says what is wrong, with what, and what to do. */

export type BpftraceErrorCode =
  /** There is no bpftrace. */
  | 'BPFTRACE_NOT_FOUND'
  /** bpftrace is older than 0.17, or than `minimumVersion`. */
  | 'BPFTRACE_TOO_OLD'
  /** bpftrace needs root, or (from 0.25 on) capabilities. */
  | 'BPFTRACE_NO_PRIVILEGE'
  /** An option, a parameter or the script's file cannot be used. bpftrace was not started. */
  | 'BPFTRACE_OPTION'
  /** bpftrace does not accept the script: its syntax, a type, or an unknown probe. */
  | 'BPFTRACE_SCRIPT'
  /** The script is valid, but the kernel refused the programs, or a probe could not be attached. */
  | 'BPFTRACE_NOT_ATTACHED'
  /** The first heartbeat did not come in time. */
  | 'BPFTRACE_NO_START'
  /** Heartbeats stopped. */
  | 'BPFTRACE_STALLED'
  /** bpftrace started, and then ended by itself with an error. */
  | 'BPFTRACE_DIED';

export class BpftraceError extends Error {
  override readonly name = 'BpftraceError';
  readonly code: BpftraceErrorCode;
  /** The end of bpftrace's stderr, at most 16 KiB. */
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;

  constructor(
    code: BpftraceErrorCode,
    message: string,
    ended: { stderr?: string; exitCode?: number | null; signal?: NodeJS.Signals | null; cause?: unknown } = {},
  ) {
    super(message, 'cause' in ended ? { cause: ended.cause } : {});
    this.code = code;
    this.stderr = ended.stderr ?? '';
    this.exitCode = ended.exitCode ?? null;
    this.signal = ended.signal ?? null;
  }
}
