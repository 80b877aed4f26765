/** What a thread has of afork: at most one, made when it is first needed. */

import { loadAddon } from '../addon.cjs';
import { MODES, type Mode, type Thread, prepareThread } from './children.ts';
import { recogniseShape } from './shape.ts';

let thread: Thread | undefined;
let asked = false;

/** Undefined where afork cannot be had; the first time, a warning says why. */
export function getThread(): Thread | undefined {
  if (!asked) {
    asked = true;
    thread = makeThread();
  }
  return thread;
}

function makeThread(): Thread | undefined {
  const shape = recogniseShape();
  if (!shape) return warn(`this Node.js (${process.version}) is not known to it`);
  try {
    return prepareThread(shape, loadAddon());
  } catch (error) {
    return warn((error as Error).message);
  }
}

function warn(reason: string): undefined {
  process.emitWarning(`afork leaves child_process as it is: ${reason}`, {
    type: 'AforkWarning',
    code: 'AFORK_UNAVAILABLE',
  });
}

/** `AFORK_MODE`, for programs that are started with `--require afork/register`. */
export function modeOfEnvironment(): Mode {
  const { AFORK_MODE: value = 'strict' } = process.env;
  const mode = MODES.find((known) => known === value);
  if (mode) return mode;
  process.emitWarning(`AFORK_MODE is '${value}', not ${MODES.join(' or ')}: taken as strict`, { type: 'AforkWarning' });
  return 'strict';
}
