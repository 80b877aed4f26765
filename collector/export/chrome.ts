/** A timeline as JSON of Chrome's Trace Event Format, which chrome://tracing, Perfetto and speedscope read. */
import type { Counter, ProcessTracks, Slice, Timeline } from './timeline.ts';

/** Yields pieces of the file. */
export function* chromeTrace({ processes, counters }: Timeline): Generator<string> {
  yield '{"displayTimeUnit":"ms","traceEvents":[\n';
  let separator = '';
  const events = function* (): Generator<object> {
    for (const process of processes) yield* processEvents(process);
    for (const counter of counters) yield* counterEvents(counter);
  };
  for (const event of events()) {
    yield `${separator}${JSON.stringify(event)}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}

/** `tid` is the number of the track, because a process' life and what its leader spawns are tracks of one thread. */
function* processEvents({ pid, name, tracks }: ProcessTracks): Generator<object> {
  yield { ph: 'M', name: 'process_name', pid, tid: 0, args: { name } };
  for (const [tid, track] of tracks.entries()) {
    yield { ph: 'M', name: 'thread_name', pid, tid, args: { name: track.name } };
    for (const slice of track.slices) yield* sliceEvents(slice, pid, tid);
  }
}

function* sliceEvents(
  { name, startUs, endUs, details, arrowFrom, arrowTo, inner }: Slice,
  pid: number,
  tid: number,
): Generator<object> {
  const place = { pid, tid, cat: 'spawn' };
  yield { ph: 'X', name, ts: startUs, dur: endUs - startUs, ...place, ...(details && { args: details }) };
  if (arrowFrom !== undefined) yield { ph: 's', name: 'spawn', id: arrowFrom, ts: startUs, ...place };
  if (arrowTo !== undefined) yield { ph: 'f', bp: 'e', name: 'spawn', id: arrowTo, ts: startUs, ...place };
  for (const each of inner) yield* sliceEvents(each, pid, tid);
}

function* counterEvents({ name, unit, points }: Counter): Generator<object> {
  for (const [ts, value] of points) yield { ph: 'C', name, pid: 0, tid: 0, ts, args: { [unit]: value } };
}
