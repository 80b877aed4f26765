import { jsonRecord } from '../terminal/json-record.ts';
import type { Findings } from './advise.ts';
import type { Advice } from '../advice/rank.ts';

/** The output of `forktax advise --json`. */
export function adviceJson({ aforkCostNs, observedNs, advice, eventsLost }: Findings): object {
  return {
    ...jsonRecord('advice'),
    afork_cost_ns: aforkCostNs,
    ...(observedNs !== undefined && { observed_ns: Math.round(observedNs) }),
    events_lost: eventsLost,
    spawners: advice.map(spawnerJson),
  };
}

function spawnerJson(advice: Advice): object {
  const { comm, pid, executable, processes, mechanism, spawns, choice, why, remedy } = advice;
  return {
    comm,
    pid,
    executable,
    processes,
    mechanism,
    spawns,
    avoidable_ns: Math.round(advice.avoidableNs),
    ...(advice.siblingWaitNs > 0 && { sibling_wait_ns: Math.round(advice.siblingWaitNs) }),
    mean_stall_ns: Math.round(advice.stallNs),
    mean_copied_rss_bytes: Math.round(advice.copiedRssBytes),
    ...(choice && { via: choice.via, reason: choice.reason, runtime: choice.runtime?.name }),
    why,
    remedy,
  };
}
