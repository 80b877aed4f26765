/** What a thread has of afork: at most one, made when it is first needed. */

import { loadAddon } from '../addon.cjs';
import { MODES, type Settings, type Thread, WAITS, prepareThread } from './children.ts';
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

/** `AFORK_MODE` and `AFORK_WAIT`, for programs that are started with `--require afork/register`. */
export function settingsOfEnvironment(): Settings {
  return { mode: choose('AFORK_MODE', MODES), wait: choose('AFORK_WAIT', WAITS) };
}

/** The first choice is the default. */
function choose<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
  const value = process.env[name] ?? choices[0];
  const choice = choices.find((known) => known === value);
  if (choice) return choice;
  const message = `${name} is '${value}', not ${choices.join(' or ')}: taken as ${choices[0]}`;
  process.emitWarning(message, { type: 'AforkWarning' });
  return choices[0];
}
