import { formatDuration } from '../../terminal/format.ts';
import type { RunStart } from './run-both-sides.ts';

/** A line of its own, for the program may write to the same terminal. */
export function progressText({ number, runs, isWith, elapsedNs }: RunStart): string {
  const done = number - 1;
  const left = done === 0 ? '' : `, about ${formatDuration((elapsedNs / done) * (runs - done))} to go`;
  const passed = done === 0 ? '' : `; ${formatDuration(elapsedNs)} so far${left}`;
  return `forktax: run ${number} of ${runs}, ${isWith ? 'with' : 'without'} afork${passed}\n`;
}
