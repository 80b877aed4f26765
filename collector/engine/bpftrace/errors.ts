import { BpftraceError } from 'bpftrace-wrapper';
import { ForktaxError } from '../../model/errors.ts';

/** What went wrong with bpftrace, as every other error of forktax; anything else stays what it is. */
export function explained(error: unknown): unknown {
  if (!(error instanceof BpftraceError)) return error;
  const message = error.message.replace(/\.$/, '');
  const more = { detail: error.stderr, cause: error };
  switch (error.code) {
    case 'BPFTRACE_NOT_FOUND':
      return new ForktaxError('FORKTAX_NO_BPFTRACE', message, more);
    case 'BPFTRACE_TOO_OLD':
      return new ForktaxError('FORKTAX_OLD_BPFTRACE', message, more);
    case 'BPFTRACE_NO_PRIVILEGE':
      return new ForktaxError('FORKTAX_NO_PRIVILEGE', message, more);
    default:
      return new ForktaxError('FORKTAX_BPFTRACE', message, more);
  }
}
