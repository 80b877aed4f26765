/** What a call site can be weighted by. */
import type { SiteCosts } from '../model/call-sites.ts';

export const WEIGHTS = {
  spawns: { unit: 'count', of: ({ spawns }: SiteCosts) => spawns },
  stall: { unit: 'nanoseconds', of: ({ stallNs }: SiteCosts) => stallNs },
  copied: { unit: 'bytes', of: ({ copiedBytes }: SiteCosts) => copiedBytes },
  avoidable: { unit: 'nanoseconds', of: ({ avoidableNs }: SiteCosts) => avoidableNs },
} as const;
export type Weight = keyof typeof WEIGHTS;
export const WEIGHT_NAMES = Object.keys(WEIGHTS) as Weight[];
