/**
 * Spends one subscription on any number of clients, and none when there are none: the kernel writes events only while
 * somebody reads. A client that reads too slowly misses events, and is told how many; one that does not read is dropped.
 */
import type { ServerResponse } from 'node:http';
import type { Engine } from '../../model/engine.ts';
import type { EngineEvent } from '../../model/events.ts';
import { EventLog, formatFrame, type LoggedEvent } from './event-log.ts';

export interface EventHubOptions {
  /** Unread bytes above which a client misses events. */
  readonly maxUnreadBytes: number;
  readonly maxClients: number;
  /** A client whose unread bytes stay above the limit from one heartbeat to the next is dropped. */
  readonly heartbeatMs: number;
  /** How many of the newest events are kept for clients that come back. */
  readonly maxKeptEvents: number;
  /** How long the subscription outlives its last client, which may come back. */
  readonly resumeMs: number;
}

export const DEFAULT_EVENT_HUB_OPTIONS: EventHubOptions = {
  maxUnreadBytes: 1 << 20,
  maxClients: 32,
  heartbeatMs: 15_000,
  maxKeptEvents: 2000,
  resumeMs: 5000,
};

/** What a client wants. */
export interface Wanted {
  /** Absent: every event. */
  readonly isWanted?: (event: EngineEvent) => boolean;
  /** The id of the last event that the client had, if it had any. */
  readonly lastId?: string;
}

interface Client {
  readonly isWanted: ((event: EngineEvent) => boolean) | undefined;
  skipped: number;
  wasFull: boolean;
}

export class EventHub {
  readonly #engine: Engine;
  readonly #options: EventHubOptions;
  readonly #clients = new Map<ServerResponse, Client>();
  readonly #log: EventLog;
  #unsubscribe: (() => void) | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #ending: NodeJS.Timeout | undefined;
  #dropped = 0;
  #skipped = 0;

  constructor(engine: Engine, options: EventHubOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#log = new EventLog(options.maxKeptEvents);
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#options.maxClients;
  }

  counts(): { eventClients: number; eventClientsDropped: number; eventsSkipped: number } {
    return { eventClients: this.#clients.size, eventClientsDropped: this.#dropped, eventsSkipped: this.#skipped };
  }

  /** From now until it closes, the response gets events. Its head must have been written. */
  add(response: ServerResponse, { isWanted, lastId }: Wanted = {}): void {
    clearTimeout(this.#ending);
    const resumed = lastId === undefined || !this.#unsubscribe ? undefined : this.#log.after(lastId);
    this.#unsubscribe ??= this.#engine.subscribe((events) => this.#publish(events));
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.heartbeatMs).unref();
    const client: Client = { isWanted, skipped: resumed?.missed ?? 0, wasFull: false };
    this.#clients.set(response, client);
    response.once('close', () => this.#remove(response));
    if (!resumed) return;
    const missed = takeSkipped(client);
    if (missed !== '' || resumed.events.length > 0) response.write(missed + framesFor(client, resumed.events));
  }

  /** Ends every response. */
  close(): void {
    for (const response of this.#clients.keys()) response.end();
    this.#end();
  }

  #remove(response: ServerResponse): void {
    this.#clients.delete(response);
    if (this.#clients.size === 0) this.#ending = setTimeout(() => this.#end(), this.#options.resumeMs).unref();
  }

  #end(): void {
    clearTimeout(this.#ending);
    this.#unsubscribe?.();
    clearInterval(this.#heartbeat);
    this.#unsubscribe = undefined;
    this.#heartbeat = undefined;
    this.#log.restart();
  }

  #publish(events: readonly EngineEvent[]): void {
    const logged = this.#log.add(events);
    let toAll: Buffer | undefined;
    for (const [response, client] of this.#clients) {
      if (this.#isSlow(response)) {
        const missed = client.isWanted ? events.filter(client.isWanted).length : events.length;
        client.skipped += missed;
        this.#skipped += missed;
        continue;
      }
      if (client.isWanted) {
        const frames = framesFor(client, logged);
        if (frames !== '') response.write(takeSkipped(client) + frames);
        continue;
      }
      const missed = takeSkipped(client);
      if (missed !== '') response.write(missed);
      // One copy of the bytes, however many clients have not read them yet.
      response.write((toAll ??= Buffer.from(framesFor(client, logged))));
    }
  }

  #beat(): void {
    for (const [response, client] of this.#clients) {
      if (!this.#isSlow(response)) {
        client.wasFull = false;
        response.write(takeSkipped(client) || this.#signOfLife(client));
      } else if (client.wasFull) {
        this.#dropped++;
        response.destroy();
      } else client.wasFull = true;
    }
  }

  /** A client that wants few events has seen the others pass, so it resumes after them. */
  #signOfLife({ isWanted }: Client): string {
    return isWanted ? `id: ${this.#log.lastId}\n\n` : ': still here\n\n';
  }

  #isSlow(response: ServerResponse): boolean {
    return response.writableLength > this.#options.maxUnreadBytes;
  }
}

function framesFor({ isWanted }: Pick<Client, 'isWanted'>, logged: readonly LoggedEvent[]): string {
  const wanted = isWanted ? logged.filter(({ event }) => isWanted(event)) : logged;
  return wanted.map((event) => event.frame()).join('');
}

function takeSkipped(client: Client): string {
  if (client.skipped === 0) return '';
  const frame = formatFrame('skipped', { events: client.skipped });
  client.skipped = 0;
  return frame;
}
