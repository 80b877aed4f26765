/**
 * The stall that afork would leave. A fork's stall is counted when it returns, what of it was avoidable when its child
 * execs: between two scrapes there can be more of the second.
 */
export const theRest = (stall: string, avoidable: string): string => `clamp_min(${stall} - ${avoidable}, 0)`;
