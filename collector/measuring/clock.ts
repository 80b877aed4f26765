/** The clock of an engine: that of this host, unless the engine brings its own. */
import type { Clock } from '../model/clock.ts';
import type { Engine } from '../model/engine.ts';
import { pause } from '../terminal/stop.ts';

const HOST_CLOCK: Clock = { now: () => performance.now(), pause, ended: false };

export const clockOf = (engine: Engine | undefined): Clock => engine?.clock ?? HOST_CLOCK;
