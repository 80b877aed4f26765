/** The first line of a recording: where, when and with what it was made. */
import { hostname, release } from 'node:os';
import { HISTOGRAM_BOUNDS } from '../model/bounds.ts';
import type { Engine } from '../model/engine.ts';
import { ForktaxError } from '../model/errors.ts';
import type { CallHook, Hook } from '../model/hooks.ts';
import type { RowLabel } from '../model/options.ts';
import { VERSION } from '../system/version.ts';
import { EVENT_NAMES, type EventNames } from './event-lines.ts';

/** Goes up when older readers would misread a recording. New fields of events and rows do not need that. */
const FORMAT = 1;

export interface Header {
  readonly forktaxRecording: typeof FORMAT;
  /** The version of forktax that recorded. */
  readonly version: string;
  readonly host: string;
  readonly kernel: string;
  readonly engine: Engine['name'];
  readonly callHook?: CallHook;
  readonly hooks: readonly Hook[];
  readonly label: RowLabel;
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  readonly bounds: typeof HISTOGRAM_BOUNDS;
  readonly events: EventNames;
  /** Present if it has call stacks. */
  readonly stacks?: true;
}

export function headerOf(engine: Engine): Header {
  const { name, callHook, hooks, label } = engine;
  return {
    forktaxRecording: FORMAT,
    version: VERSION,
    host: hostname(),
    kernel: release(),
    engine: name,
    ...(callHook && { callHook }),
    hooks,
    label,
    startedMs: Date.now(),
    bounds: HISTOGRAM_BOUNDS,
    events: EVENT_NAMES,
    ...(engine.subscribeStacks && { stacks: true }),
  };
}

/** @throws FORKTAX_RECORDING when the file is something else, or of a version that this one cannot read */
export function parseHeader(line: string | undefined, path: string): Header {
  const header = parse(line);
  if (header?.forktaxRecording === undefined)
    throw new ForktaxError('FORKTAX_RECORDING', `${path} is not a recording of forktax`);
  if (header.forktaxRecording !== FORMAT || JSON.stringify(header.bounds) !== JSON.stringify(HISTOGRAM_BOUNDS))
    throw new ForktaxError(
      'FORKTAX_RECORDING',
      `${path} was recorded by forktax ${header.version}, whose format this version (${VERSION}) cannot read`,
    );
  return header;
}

function parse(line: string | undefined): Header | undefined {
  try {
    const value: unknown = JSON.parse(line ?? '');
    return typeof value === 'object' && value !== null ? (value as Header) : undefined;
  } catch {
    return undefined;
  }
}
