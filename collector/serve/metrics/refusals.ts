/** How many requests and connections were refused or cut off, so that others are answered. */

/** By reason, which is the label of `forktax_clients_refused_total`. */
export interface RefusalCounts {
  /** More pages at a time than --web.max-requests. */
  busy: number;
  /** The client did not read its answer. */
  stalled: number;
  /** Too many requests at a time on one connection. */
  pipelined: number;
  /** Too many connections. */
  connections: number;
  /** More passwords at a time than are checked. */
  passwords: number;
  /** More requests than `rate_limit` of the web configuration allows. */
  rate: number;
  /** The request calls this collector by a name that is not allowed. */
  host: number;
}

export function createRefusalCounts(): RefusalCounts {
  return { busy: 0, stalled: 0, pipelined: 0, connections: 0, passwords: 0, rate: 0, host: 0 };
}
