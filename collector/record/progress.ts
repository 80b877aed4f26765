import { formatBytes, formatCount, formatDuration } from '../terminal/format.ts';

/** What a recording holds so far. */
export interface Progress {
  readonly ns: number;
  readonly spawns: number;
  readonly bytes: number;
  /** Events that the kernel dropped because its buffer was full. */
  readonly eventsLost: number;
}

/** One line, without an end. */
export function progressText({ ns, spawns, bytes, eventsLost }: Progress): string {
  const each = spawns > 0 ? `, ${Math.round(bytes / spawns)} bytes a spawn` : '';
  const lost = eventsLost > 0 ? `; ${formatCount(eventsLost)} events were lost` : '';
  return `${formatDuration(ns)}: ${formatCount(spawns)} spawns, ${formatBytes(bytes)}${each}${lost}`;
}
