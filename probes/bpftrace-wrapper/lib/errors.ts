/** Everything that can go wrong, by code; the message says what, with what, and what to do about it. */

export type BpftraceErrorCode =
  /** No bpftrace where it was looked for. */
  | 'BPFTRACE_NOT_FOUND'
  /** Older than 0.17, or than `minimumVersion`. */
  | 'BPFTRACE_TOO_OLD'
  /** It wants root, or (from 0.25 on) capabilities. */
  | 'BPFTRACE_NO_PRIVILEGE'
  /** An option, a parameter or the script's file is not usable; bpftrace was not started. */
  | 'BPFTRACE_OPTION'
  /** bpftrace does not accept the script: its syntax, a type, a probe that it does not know. */
  | 'BPFTRACE_SCRIPT'
  /** The script is good, but the kernel did not take the programs, or a probe could not be attached. */
  | 'BPFTRACE_NOT_ATTACHED'
  /** No heartbeat in time. */
  | 'BPFTRACE_NO_START'
  /** Heartbeats stopped. */
  | 'BPFTRACE_STALLED'
  /** It ended by itself, and not well, after it had started. */
  | 'BPFTRACE_DIED';

export class BpftraceError extends Error {
  override readonly name = 'BpftraceError';
  readonly code: BpftraceErrorCode;
  /** The last of what bpftrace wrote to stderr, at most 16 KiB. */
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
