/** Time as the events of an engine have it: that of this host, or that of a recording, which may pass faster. */
export interface Clock {
  /** Milliseconds since some fixed moment, with a fraction. Never goes back. */
  now(): number;
  /** Resolves after `ns` nanoseconds, when `stop` is aborted, or when nothing more can come. Without `ns`, waits for these. */
  pause(ns: number | undefined, stop: AbortSignal): Promise<void>;
  /** Whether nothing more can come. */
  readonly ended: boolean;
}
