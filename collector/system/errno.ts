import { constants } from 'node:os';

/**
 * Errors that node:os does not list. Some come from exec (ELIBBAD: the interpreter is damaged; ENOKEY to EKEYREJECTED: a
 * signature check failed). Others are internal to the kernel (include/linux/errno.h): a tracer sees them, a program
 * does not.
 */
const MORE: Readonly<Record<string, number>> = {
  ENOTBLK: 15,
  ELIBACC: 79,
  ELIBBAD: 80,
  ELIBSCN: 81,
  ELIBMAX: 82,
  ELIBEXEC: 83,
  EUSERS: 87,
  EUCLEAN: 117,
  ENOMEDIUM: 123,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  ERESTARTSYS: 512,
  ERESTARTNOINTR: 513,
  ERESTARTNOHAND: 514,
  ENOIOCTLCMD: 515,
  ERESTART_RESTARTBLOCK: 516,
  EPROBE_DEFER: 517,
  ENOTSUPP: 524,
};

const names = new Map<number, string>();
for (const [name, number] of [...Object.entries(constants.errno), ...Object.entries(MORE)]) {
  if (!names.has(number)) names.set(number, name);
}
// These numbers have two names each. The manual pages of fork and exec use these ones.
names.set(constants.errno.EAGAIN, 'EAGAIN');
names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** Gives `ENOENT` for 2, and the number itself if it has no known name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? String(errno);
}
