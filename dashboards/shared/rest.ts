/**
 * Gives the stall that afork would leave. A stall is counted when the fork returns, and its avoidable part when the child
 * calls exec. Between two scrapes, the second can therefore be larger.
 */
export const theRest = (stall: string, avoidable: string): string => `clamp_min(${stall} - ${avoidable}, 0)`;
