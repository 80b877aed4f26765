/** The newest events, numbered, so that a client whose connection broke can go on where it was. */
import type { EngineEvent } from '../../model/events.ts';
import { toRecord } from './record.ts';

/** An event, written at most once for all clients. */
export interface LoggedEvent {
  readonly event: EngineEvent;
  /** As `text/event-stream` has it. */
  frame(): string;
}

export interface Resumed {
  readonly events: readonly LoggedEvent[];
  /** The events after the given one that are no longer held, of any kind. */
  readonly missed: number;
}

export class EventLog {
  readonly #maxEvents: number;
  /** Tells the ids of this log from those of another process. */
  readonly #name = Date.now().toString(36);
  #events: LoggedEvent[] = [];
  #lastSeq = 0;

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents;
  }

  add(events: readonly EngineEvent[]): readonly LoggedEvent[] {
    const added = events.map((event) => logged(event, this.#idOf(++this.#lastSeq)));
    this.#events = [...this.#events, ...added].slice(-this.#maxEvents);
    return added;
  }

  /** What came after the event of that id. Undefined if it is no id of this log. */
  after(id: string): Resumed | undefined {
    const [name, digits = ''] = id.split('-');
    const seq = Number(digits);
    if (name !== this.#name || !/^\d+$/.test(digits) || seq > this.#lastSeq) return undefined;
    const behind = this.#lastSeq - seq;
    const held = Math.min(behind, this.#events.length);
    return { events: held === 0 ? [] : this.#events.slice(-held), missed: behind - held };
  }

  get lastId(): string {
    return this.#idOf(this.#lastSeq);
  }

  /** What is not subscribed to is not numbered, so no one may resume across it. */
  restart(): void {
    this.#events = [];
  }

  #idOf(seq: number): string {
    return `${this.#name}-${seq}`;
  }
}

function logged(event: EngineEvent, id: string): LoggedEvent {
  let text: string | undefined;
  return { event, frame: () => (text ??= formatFrame(event.kind, event, id)) };
}

/** A block of the format that EventSource reads (WHATWG HTML, 9.2). */
export function formatFrame(event: string, data: object, id?: string): string {
  return `event: ${event}\ndata: ${JSON.stringify(toRecord(data))}\n${id === undefined ? '' : `id: ${id}\n`}\n`;
}
