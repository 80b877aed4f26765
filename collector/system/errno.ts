import { constants } from 'node:os';

/**
 * What node:os does not list: errors that exec gives (ELIBBAD: a damaged interpreter; ENOKEY to EKEYREJECTED: signature
 * checks), and the kernel's internal ones (include/linux/errno.h), which tracing sees and a program never does.
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
// Two names each; these are the ones in the manual pages of fork and exec.
names.set(constants.errno.EAGAIN, 'EAGAIN');
names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** `ENOENT` for 2; the number itself where no name is known. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? String(errno);
}
