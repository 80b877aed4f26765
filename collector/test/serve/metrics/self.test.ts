import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRefusalCounts } from '../../../serve/metrics/refusals.ts';
import { selfFamilies, type SelfState } from '../../../serve/metrics/self.ts';
import { renderText } from '../../../serve/metrics/text.ts';
import { createFakeEngine, hooksWithout } from '../../../../testing/fake-engine.ts';
import { parseSamples, valueOf } from '../../../../testing/parse-metrics.ts';

const health = {
  eventsLost: 1,
  rowsFolded: 2,
  rowsEvicted: 13,
  failuresFolded: 3,
  callsUntracked: 4,
  processesUntracked: 5,
  processesTracked: 6,
  callsTracked: 7,
  tableRows: 8,
  tableCapacity: 9,
  processCapacity: 10,
};

function render(given: Partial<SelfState>, engine = createFakeEngine({ health })): string {
  const state: SelfState = {
    version: '1.2.3',
    engine,
    snapshot: engine.next,
    eventClients: 10,
    eventClientsDropped: 11,
    eventsSkipped: 12,
    refusals: { ...createRefusalCounts(), busy: 14 },
    logLinesDropped: 15,
    scrapeSeconds: () => 0.25,
    ...given,
  };
  return Array.from(selfFamilies(state), (family) => [...renderText(family, 'text')].join('')).join('');
}

describe('metrics of forktax itself', () => {
  it('show each figure under its name', () => {
    const samples = parseSamples(render({}));
    const expected = {
      forktax_up: 1,
      forktax_events_lost_total: 1,
      forktax_table_folded_total: 2,
      forktax_table_evicted_total: 13,
      forktax_failures_folded_total: 3,
      forktax_calls_untracked_total: 4,
      forktax_processes_untracked_total: 5,
      forktax_processes_tracked: 6,
      forktax_calls_tracked: 7,
      forktax_table_rows: 8,
      forktax_table_capacity: 9,
      forktax_processes_capacity: 10,
      forktax_event_clients: 10,
      forktax_event_clients_dropped_total: 11,
      forktax_events_skipped_total: 12,
      forktax_log_lines_dropped_total: 15,
      forktax_scrape_duration_seconds: 0.25,
    };
    const shown = Object.keys(expected).map((name) => [name, valueOf(samples, name)]);
    assert.deepEqual(Object.fromEntries(shown), expected);
    assert.equal(valueOf(samples, 'forktax_clients_refused_total', { reason: 'busy' }), 14);
  });

  it('tell version, engine and hooks', () => {
    const hooks = hooksWithout('calls');
    const samples = parseSamples(render({}, createFakeEngine({ hooks })));
    assert.equal(valueOf(samples, 'forktax_build_info', { version: '1.2.3' }), 1);
    assert.equal(valueOf(samples, 'forktax_engine_info', { engine: 'replay', call_hook: 'syscalls' }), 1);
    assert.equal(valueOf(samples, 'forktax_hook_attached', { hook: 'calls' }), 0);
    assert.equal(valueOf(samples, 'forktax_hook_attached', { hook: 'task_newtask' }), 1);
  });

  it('show what programs cost only where the kernel counts it', () => {
    assert.doesNotMatch(render({}), /forktax_probe/);
    const programs = [{ program: 'on_newtask', runs: 3, runNs: 4500, missed: 1 }];
    const samples = parseSamples(render({}, createFakeEngine({ programs })));
    const labels = { program: 'on_newtask' };
    assert.equal(valueOf(samples, 'forktax_probe_run_seconds_total', labels), 0.0000045);
    assert.equal(valueOf(samples, 'forktax_probe_runs_total', labels), 3);
    assert.equal(valueOf(samples, 'forktax_probe_runs_missed_total', labels), 1);
  });

  it('say that the tables cannot be read, and no more of them', () => {
    const text = render({ snapshot: undefined });
    assert.match(text, /^forktax_up 0$/m);
    assert.doesNotMatch(text, /forktax_table|forktax_events_lost/);
  });
});
