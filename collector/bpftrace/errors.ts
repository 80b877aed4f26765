import { BpftraceError } from 'bpftrace-wrapper';
import { ForktaxError, type ErrorCode } from '../errors.ts';

const CODES: Partial<Record<BpftraceError['code'], ErrorCode>> = {
  BPFTRACE_NOT_FOUND: 'FORKTAX_NO_BPFTRACE',
  BPFTRACE_TOO_OLD: 'FORKTAX_OLD_BPFTRACE',
  BPFTRACE_NO_PRIVILEGE: 'FORKTAX_NO_PRIVILEGE',
};

/** What went wrong with bpftrace, as every other error of forktax; anything else stays what it is. */
export function explained(error: unknown): unknown {
  if (!(error instanceof BpftraceError)) return error;
  const message = error.message.replace(/\.$/, '');
  return new ForktaxError(CODES[error.code] ?? 'FORKTAX_BPFTRACE', message, { detail: error.stderr, cause: error });
}
