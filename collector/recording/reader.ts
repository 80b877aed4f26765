/** Reads a recording: its header, then events and snapshots in the order in which they were written. */
import { closeSync, openSync } from 'node:fs';
import { ForktaxError } from '../model/errors.ts';
import type { StackLosses, UnwoundStack } from '../model/call-stack.ts';
import type { EngineEvent } from '../model/events.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { decodeEvent, toMicroseconds } from './event-lines.ts';
import { readFrames, type Ending } from './frames.ts';
import { parseHeader, type Header } from './header.ts';
import { decodeLosses, FRAME_KIND, LOSSES_KIND, STACK_KIND, StackDecoder } from './stack-lines.ts';
import { SNAPSHOT_KIND, SnapshotDecoder } from './snapshot-lines.ts';

export type Entry =
  | { readonly event: EngineEvent }
  | { readonly snapshot: Snapshot }
  | { readonly stack: UnwoundStack }
  | { readonly losses: StackLosses };

export interface RecordingReader {
  readonly header: Header;
  /** Gives undefined at the end. */
  next(): Entry | undefined;
  /** Lines that this version of forktax cannot read and left out. */
  readonly unreadable: number;
  /** How the file ends. Undefined before its end was reached. */
  readonly ending: Ending | undefined;
  close(): void;
}

/** @throws FORKTAX_RECORDING */
export function openRecording(path: string): RecordingReader {
  const fd = open(path);
  try {
    return new Reader(fd, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new ForktaxError('FORKTAX_RECORDING', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

class Reader implements RecordingReader {
  readonly header: Header;
  readonly #fd: number;
  readonly #frames: Generator<string, Ending>;
  readonly #snapshots = new SnapshotDecoder();
  readonly #stacks = new StackDecoder();
  #lines: readonly string[] = [];
  #at = 0;
  #lastUs = 0;
  #closed = false;
  unreadable = 0;
  ending: Ending | undefined;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#frames = readFrames(fd);
    this.header = parseHeader(this.#nextLine(), path);
  }

  next(): Entry | undefined {
    for (;;) {
      const line = this.#nextLine();
      if (line === undefined) return undefined;
      const entry = this.#decode(line);
      if (entry === 'frame') continue;
      if (entry) return entry;
      this.unreadable++;
    }
  }

  close(): void {
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }

  #nextLine(): string | undefined {
    while (this.#at >= this.#lines.length) {
      if (this.ending !== undefined || this.#closed) return undefined;
      const frame = this.#frames.next();
      if (frame.done) {
        this.ending = frame.value;
        return undefined;
      }
      this.#lines = frame.value.split('\n').slice(0, -1);
      this.#at = 0;
    }
    return this.#lines[this.#at++];
  }

  /** `frame`: a part of stacks that follow. */
  #decode(line: string): Entry | 'frame' | undefined {
    try {
      const values: unknown = JSON.parse(line);
      if (!Array.isArray(values)) return undefined;
      if (values[0] === SNAPSHOT_KIND) return { snapshot: this.#snapshots.decode(values) };
      if (STACK_KINDS.has(values[0])) return this.#decodeStack(values);
      const event = decodeEvent(values, this.header.events, this.#lastUs);
      if (!event) return undefined;
      this.#lastUs = toMicroseconds(event.atMs);
      return { event };
    } catch {
      return undefined;
    }
  }

  #decodeStack(values: readonly unknown[]): Entry | 'frame' | undefined {
    if (values[0] === FRAME_KIND) return this.#stacks.addFrame(values) ? 'frame' : undefined;
    if (values[0] === LOSSES_KIND) {
      const losses = decodeLosses(values);
      return losses && { losses };
    }
    const stack = this.#stacks.stackOf(values);
    return stack && { stack };
  }
}

const STACK_KINDS: ReadonlySet<unknown> = new Set([FRAME_KIND, STACK_KIND, LOSSES_KIND]);
