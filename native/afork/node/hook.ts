/** Puts afork under the child_process of this thread. */

import type { Mode, Settings, Wait } from './children.ts';
import { install } from './shape.ts';
import { hookSync, recogniseSync } from './sync.ts';
import { getThread, settingsOfEnvironment } from './thread.ts';

/** On the hooked method, so that a second copy of this package sees it. */
const HOOKED = Symbol.for('afork.hooked');

let current: Settings | undefined;
let hookedSync = false;

/** Which of Node's functions go through afork here. */
export function hooked(): { spawn: boolean; spawnSync: boolean; mode: Mode | undefined; wait: Wait | undefined } {
  return { spawn: current !== undefined, spawnSync: hookedSync, mode: current?.mode, wait: current?.wait };
}

/**
 * From now on every spawn of this thread goes through afork: spawn, exec, execFile, fork, and spawnSync, execSync,
 * execFileSync. Called again it only changes the settings. `mode` defaults to `AFORK_MODE`, and that to `strict`; `wait`
 * to `AFORK_WAIT`, and that to `auto`.
 */
export function register(options: Partial<Settings> = {}): void {
  const thread = getThread();
  if (!thread) return;
  const isFirst = !(HOOKED in thread.shape.prototype.spawn);
  if (!isFirst && current === undefined) return; // By another copy of afork, which keeps its settings.
  const settings = { ...(current ?? settingsOfEnvironment()), ...options };
  current = settings;
  if (!isFirst) return;
  const methods = thread.methods(() => current ?? settings);
  Object.assign(methods.spawn, { [HOOKED]: true });
  install(methods, thread.shape.prototype);
  const binding = recogniseSync();
  if (binding) hookSync(thread, binding);
  hookedSync = binding !== undefined;
}
