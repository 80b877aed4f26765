/** Puts afork under the child_process of this thread. */

import type { Mode } from './children.ts';
import { install } from './shape.ts';
import { hookSync, recogniseSync } from './sync.ts';
import { getThread, modeOfEnvironment } from './thread.ts';

/** On the hooked method, so that a second copy of this package sees it. */
const HOOKED = Symbol.for('afork.hooked');

let currentMode: Mode | undefined;
let hookedSync = false;

/** Which of Node's functions go through afork here. */
export function hooked(): { spawn: boolean; spawnSync: boolean; mode: Mode | undefined } {
  return { spawn: currentMode !== undefined, spawnSync: hookedSync, mode: currentMode };
}

/**
 * From now on every spawn of this thread goes through afork: spawn, exec, execFile, fork, and spawnSync, execSync,
 * execFileSync. Called again it only sets the mode. `mode` defaults to `AFORK_MODE`, and that to `strict`.
 */
export function register(options: { readonly mode?: Mode } = {}): void {
  const thread = getThread();
  if (!thread) return;
  const isFirst = !(HOOKED in thread.shape.prototype.spawn);
  if (!isFirst && currentMode === undefined) return; // By another copy of afork, which keeps its mode.
  currentMode = options.mode ?? currentMode ?? modeOfEnvironment();
  if (!isFirst) return;
  const mode = (): Mode => currentMode ?? 'strict';
  const methods = thread.methods(mode);
  Object.assign(methods.spawn, { [HOOKED]: true });
  install(methods, thread.shape.prototype);
  const binding = recogniseSync();
  if (binding) hookSync(thread, binding);
  hookedSync = binding !== undefined;
}
