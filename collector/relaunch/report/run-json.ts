/** The report of one run as JSON. */
import { absentColumns } from '../../model/hooks.ts';
import { ForktaxError } from '../../model/errors.ts';
import { FIGURES } from '../../model/figures.ts';
import { filledBuckets } from '../../model/histogram.ts';
import type { Measurement } from '../measure/meter.ts';
import type { Plan } from '../plan/plan.ts';
import type { RunResult } from '../run/run.ts';
import { jsonRecord } from '../../terminal/json-record.ts';
import { planJson } from './plan-json.ts';
import { costsByMechanism, failuresOf, figuresByProgram, totalFigures, type Figures } from '../measure/run-figures.ts';

/** The output of `forktax relaunch --json`. */
export function runReportJson(plan: Plan, result: RunResult): object {
  return { ...jsonRecord('relaunch'), ...planJson(plan), run: runJson(result) };
}

export function runJson({ status, signal, wallNs, cpuNs, measurement }: RunResult): object {
  const end = { status, ...(signal && { signal }), wall_ns: wallNs, cpu_ns: cpuNs };
  if (measurement instanceof ForktaxError)
    return { ...end, measured: false, not_measured: { code: measurement.code, reason: measurement.message } };
  return { ...end, measured: true, ...measurementJson(measurement) };
}

function measurementJson(measurement: Measurement): object {
  const { rows, hooks, health } = measurement;
  const absent = absentColumns(hooks);
  const stallSeen = !absent.has('stall');
  return {
    total: figuresJson(totalFigures(measurement)),
    programs: figuresByProgram(measurement).map((figures) => {
      const { comm, mechanism } = figures;
      return Object.assign({ comm, mechanism }, figuresJson(figures));
    }),
    mechanisms: Object.fromEntries(
      costsByMechanism(rows).map(([mechanism, costs]) => [
        mechanism,
        { spawns: costs.spawns, ...(stallSeen && { stall_buckets: filledBuckets(costs.stall, FIGURES.stall.bounds) }) },
      ]),
    ),
    failures: failuresOf(measurement),
    absent: Object.fromEntries(absent),
    events_lost: health.eventsLost,
    costs_folded: health.rowsFolded,
    untracked:
      health.callsUntracked + health.processesUntracked + health.siblingWaitsUntracked + health.cowFaultsUntimed,
  };
}

function figuresJson(figures: Figures): Record<string, number> {
  const fields: [string, number | undefined][] = [
    ['spawns', figures.spawns],
    ['stall_sum_ns', figures.stallSumNs],
    ['stall_p50_ns', figures.stallP50Ns],
    ['stall_p99_ns', figures.stallP99Ns],
    ['stall_max_ns', figures.stallMaxNs],
    ['copy_ns', figures.copyNs],
    ['sibling_wait_sum_ns', figures.siblingWaitSumNs],
    ['copied_rss_bytes', figures.copiedRssBytes],
    ['copied_page_table_bytes', figures.copiedPageTableBytes],
    ['copied_page_table_entries', figures.copiedPageTableEntries],
    ['cow_faults', figures.cowFaults],
    ['cow_faults_sum_ns', figures.cowFaultsSumNs],
    ['execs', figures.execs],
    ['exec_delay_p50_ns', figures.execDelayP50Ns],
    ['exec_delay_p99_ns', figures.execDelayP99Ns],
  ];
  return Object.fromEntries(fields.filter((field): field is [string, number] => field[1] !== undefined));
}
