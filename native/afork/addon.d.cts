import type { Native } from './node/native.ts';

/** Throws where there is no addon for this system, or the kernel has no pidfds (Linux 5.3). */
export function loadAddon(): Native;
