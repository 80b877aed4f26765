import type { ExecRequest, HoldOptions, User } from '../../system/hold.ts';
import type { MeterOptions } from '../measure/meter.ts';
import type { Plan } from '../plan/plan.ts';
import { withChanges } from '../plan/variables.ts';

/** One run of a program. */
export interface RunRequest extends HoldOptions {
  /** The command as the user wrote it, for messages. */
  readonly command: string;
  readonly exec: ExecRequest;
  readonly measure: MeterOptions;
}

/** What a program starts with: it comes from this process, or from the process that is replaced. */
export interface StartState {
  readonly argv: readonly Buffer[];
  /** Each entry is `NAME=value`. */
  readonly environment: readonly Buffer[];
  readonly openFiles: number | undefined;
  /** Without one of the following, the program has that of this process. */
  readonly descriptors?: readonly number[];
  readonly directory?: string;
  readonly umask?: number;
  readonly user?: User | undefined;
}

/** Makes the program start in that state, but for the variables that the plan changes. */
export function requestFor({ path, changes, choice }: Plan, state: StartState): RunRequest {
  const { argv, environment, openFiles, umask, user, descriptors, directory } = state;
  return {
    command: String(argv[0]),
    directory,
    descriptors,
    measure: { countEntries: choice.via === 'hugepages' },
    exec: { path, argv, environment: withChanges(environment, changes), openFiles, umask, user },
  };
}
