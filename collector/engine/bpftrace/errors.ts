import { BpftraceError, type BpftraceErrorCode } from 'bpftrace-wrapper';
import { ForktaxError } from '../../model/errors.ts';
import { tracefs } from '../../system/tracefs.ts';

/** The errors with which bpftrace fails without tracefs. They differ between versions. */
const FOR_WANT_OF_TRACEFS: ReadonlySet<BpftraceErrorCode> = new Set([
  'BPFTRACE_SCRIPT',
  'BPFTRACE_NOT_ATTACHED',
  'BPFTRACE_NO_START',
]);

/** Turns an error of bpftrace-wrapper into a ForktaxError. Gives any other error unchanged. */
export function explained(error: unknown): unknown {
  if (!(error instanceof BpftraceError)) return error;
  if (FOR_WANT_OF_TRACEFS.has(error.code) && tracefs() === undefined) return noTracefs(error);
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

/** bpftrace finds tracepoints in tracefs and cannot run without it. */
export function noTracefs(cause?: BpftraceError): ForktaxError {
  const message = 'bpftrace needs tracefs, which is not mounted or may not be read';
  return new ForktaxError('FORKTAX_NO_TRACEFS', message, cause ? { detail: cause.stderr, cause } : {});
}
