/** Maps the enums of `probes/spawn.h` to the names in the model. */
import { EVENT_KINDS } from '../../model/events.ts';
import type { FailureRow } from '../../model/rows.ts';
import { EVENT_DETAILS } from '../../model/options.ts';
import { MECHANISMS, SYSCALLS, type Mechanism, type SpawnSyscall } from '../../model/spawn.ts';
import { enumNames, probeConstant } from '../shared/probe-constants.ts';

const FAILURE_KINDS = ['spawn', 'exec'] as const satisfies readonly FailureRow['kind'][];

const DETAILS = ['none', ...EVENT_DETAILS] as const;
export type Detail = (typeof DETAILS)[number];

/** Gives a function for each enum that gives the name of a value. */
export function readEnums() {
  return {
    mechanism: enumNames('MECHANISM', MECHANISMS),
    syscall: enumNames('SYSCALL', SYSCALLS),
    failureKind: enumNames('FAILURE', FAILURE_KINDS),
    eventKind: enumNames('EVENT', EVENT_KINDS),
    eventDetail: enumNames('DETAIL', DETAILS),
  };
}

interface OtherRowKey {
  readonly mechanism: Mechanism;
  readonly syscall: SpawnSyscall;
}

/** Gives the keys of the arrays `other_costs` and `other_failures` by index. `probes/table.bpf.h` computes the indexes. */
export function otherKeys() {
  const { mechanism, syscall, failureKind } = readEnums();
  const syscalls = probeConstant('SYSCALLS');
  const maxErrno = probeConstant('MAX_ERRNO');
  return {
    rows: probeConstant('MECHANISMS') * syscalls,
    rowKey: (index: number): OtherRowKey => ({
      mechanism: mechanism(Math.floor(index / syscalls)),
      syscall: syscall(index % syscalls),
    }),
    failures: probeConstant('FAILURE_KINDS') * syscalls * maxErrno,
    failureKey: (index: number): Pick<FailureRow, 'kind' | 'syscall' | 'errno'> => {
      const kindAndSyscall = Math.floor(index / maxErrno);
      return {
        kind: failureKind(Math.floor(kindAndSyscall / syscalls)),
        syscall: syscall(kindAndSyscall % syscalls),
        errno: index % maxErrno,
      };
    },
  };
}
