/** Writes a recording. Every second a frame is appended, so a process that is killed loses at most the last second. */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { ForktaxError } from '../model/errors.ts';
import type { StackLosses, UnwoundStack } from '../model/call-stack.ts';
import type { EngineEvent } from '../model/events.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { encodeEvent, toMicroseconds } from './event-lines.ts';
import { encodeFrame } from './frames.ts';
import type { Header } from './header.ts';
import { encodeLosses, StackEncoder } from './stack-lines.ts';
import { SnapshotEncoder } from './snapshot-lines.ts';

/** A frame is written before its second is over when it has this many characters. */
const FRAME_CHARACTERS = 1 << 20;

export interface WriterOptions {
  readonly path: string;
  /** The file is renamed to `path`.1 when it is this large, and a new one begun. That replaces an older `path`.1. */
  readonly maxBytes?: number | undefined;
}

export class RecordingWriter {
  readonly #options: WriterOptions;
  readonly #header: Header;
  #file: OpenFile;
  #lines: string[] = [];
  #characters = 0;
  #totalBytes = 0;
  #snapshot: Snapshot | undefined;

  /** @throws FORKTAX_RECORDING, as all methods: the file cannot be written */
  constructor(options: WriterOptions, header: Header) {
    this.#options = options;
    this.#header = header;
    this.#file = this.#open();
  }

  /** Bytes written, also to files that were replaced since. */
  get bytes(): number {
    return this.#totalBytes;
  }

  addEvent(event: EngineEvent): void {
    this.#add(encodeEvent(event, this.#file.lastUs));
    this.#file.lastUs = toMicroseconds(event.atMs);
    if (this.#characters >= FRAME_CHARACTERS) this.#writeFrame();
  }

  addStack(stack: UnwoundStack): void {
    for (const line of this.#file.stacks.encode(stack)) this.#add(line);
    if (this.#characters >= FRAME_CHARACTERS) this.#writeFrame();
  }

  /** As they were counted up to now. */
  addLosses(losses: StackLosses): void {
    this.#add(encodeLosses(losses));
  }

  /** Ends the frame, and rotates the file if it is large enough. */
  addSnapshot(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#add(this.#file.encoder.encode(snapshot));
    this.#writeFrame();
    const { path, maxBytes = Infinity } = this.#options;
    if (this.#file.bytes < maxBytes) return;
    closeSync(this.#file.fd);
    this.#try(() => renameSync(path, `${path}.1`));
    this.#file = this.#open();
  }

  close(): void {
    closeSync(this.#file.fd);
  }

  /** A file begins with the header, and with a snapshot where it continues another. */
  #open(): OpenFile {
    const file = new OpenFile(this.#try(() => openSync(this.#options.path, 'w', 0o600)));
    this.#file = file;
    this.#add(JSON.stringify(this.#header));
    if (this.#snapshot) this.#add(file.encoder.encode(this.#snapshot));
    this.#writeFrame();
    return file;
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length;
  }

  #writeFrame(): void {
    const frame = encodeFrame(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
    this.#characters = 0;
    this.#try(() => writeAll(this.#file.fd, frame));
    this.#file.bytes += frame.length;
    this.#totalBytes += frame.length;
  }

  #try<T>(act: () => T): T {
    try {
      return act();
    } catch (cause) {
      const { path } = this.#options;
      throw new ForktaxError('FORKTAX_RECORDING', `cannot write ${path}: ${(cause as Error).message}`, { cause });
    }
  }
}

class OpenFile {
  readonly fd: number;
  readonly encoder = new SnapshotEncoder();
  readonly stacks = new StackEncoder();
  bytes = 0;
  /** The time of the last event, in microseconds since the epoch. */
  lastUs = 0;

  constructor(fd: number) {
    this.fd = fd;
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}
