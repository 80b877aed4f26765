/** Finds bpftrace, and says plainly what is missing or too old. */

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** As bpftrace prints it, without the 'v': `0.20.2`, `0.23.0-12-gabcdef`. */
  readonly text: string;
}

export interface Bpftrace {
  readonly path: string;
  readonly version: Version;
}
