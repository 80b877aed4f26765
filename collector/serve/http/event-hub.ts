/**
 * Spends one subscription on any number of clients, and none when there are none: the kernel writes events only while
 * somebody reads. A client that reads too slowly misses events, and is told how many; one that does not read is dropped.
 */
import type { ServerResponse } from 'node:http';
import type { Engine } from '../../model/engine.ts';
import type { EngineEvent } from '../../model/events.ts';
import { toRecord } from './record.ts';

export interface EventHubOptions {
  /** Unread bytes above which a client misses events. */
  readonly maxUnreadBytes: number;
  readonly maxClients: number;
  /** A client whose unread bytes stay above the limit from one heartbeat to the next is dropped. */
  readonly heartbeatMs: number;
}

export const DEFAULT_EVENT_HUB_OPTIONS: EventHubOptions = {
  maxUnreadBytes: 1 << 20,
  maxClients: 32,
  heartbeatMs: 15_000,
};

interface Client {
  skipped: number;
  wasFull: boolean;
}

export class EventHub {
  readonly #engine: Engine;
  readonly #options: EventHubOptions;
  readonly #clients = new Map<ServerResponse, Client>();
  #unsubscribe: (() => void) | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #dropped = 0;
  #skipped = 0;

  constructor(engine: Engine, options: EventHubOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#options.maxClients;
  }

  counts(): { eventClients: number; eventClientsDropped: number; eventsSkipped: number } {
    return { eventClients: this.#clients.size, eventClientsDropped: this.#dropped, eventsSkipped: this.#skipped };
  }

  /** From now until it closes, the response gets events. Its head must have been written. */
  add(response: ServerResponse): void {
    this.#unsubscribe ??= this.#engine.subscribe((events) => this.#publish(events));
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.heartbeatMs).unref();
    this.#clients.set(response, { skipped: 0, wasFull: false });
    response.once('close', () => this.#remove(response));
  }

  /** Ends every response. */
  close(): void {
    for (const response of this.#clients.keys()) response.end();
  }

  #remove(response: ServerResponse): void {
    this.#clients.delete(response);
    if (this.#clients.size > 0) return;
    this.#unsubscribe?.();
    clearInterval(this.#heartbeat);
    this.#unsubscribe = undefined;
    this.#heartbeat = undefined;
  }

  #publish(events: readonly EngineEvent[]): void {
    const frames = events.map((event) => formatFrame(event.kind, event)).join('');
    for (const [response, client] of this.#clients) {
      if (this.#isSlow(response)) {
        client.skipped += events.length;
        this.#skipped += events.length;
      } else response.write(takeSkipped(client) + frames);
    }
  }

  #beat(): void {
    for (const [response, client] of this.#clients) {
      if (!this.#isSlow(response)) {
        client.wasFull = false;
        response.write(takeSkipped(client) || ': still here\n\n');
      } else if (client.wasFull) {
        this.#dropped++;
        response.destroy();
      } else client.wasFull = true;
    }
  }

  #isSlow(response: ServerResponse): boolean {
    return response.writableLength > this.#options.maxUnreadBytes;
  }
}

/** Of the format that EventSource reads (WHATWG HTML, 9.2). */
export function formatFrame(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(toRecord(data))}\n\n`;
}

function takeSkipped(client: Client): string {
  if (client.skipped === 0) return '';
  const frame = formatFrame('skipped', { events: client.skipped });
  client.skipped = 0;
  return frame;
}
