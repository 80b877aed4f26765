/** The log of the service: one line per event, on standard error. It never has command lines, because they may hold secrets. */
import type { Writable } from 'node:stream';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from './config/schema.ts';

interface Options {
  readonly level: Config['log.level'];
  readonly format: Config['log.format'];
  readonly write: (line: string) => void;
}

export function createLogger({ level, format, write }: Options): Logger {
  const destination: DestinationStream = { write: format === 'json' ? write : (line) => write(toLogfmt(line)) };
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['req.headers.authorization', 'headers.authorization', 'authorization'],
    },
    destination,
  );
}

/** Writes time, level and message first, as Prometheus does. */
function toLogfmt(line: string): string {
  const { time, level, msg, ...rest }: Record<string, unknown> = JSON.parse(line);
  const pairs = Object.entries({ time, level, msg, ...rest }).filter(([, value]) => value !== undefined);
  return `${pairs.map(([key, value]) => `${key}=${formatValue(value)}`).join(' ')}\n`;
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s="\\]+$/.test(text) ? text : JSON.stringify(text);
}

/** How many characters may wait for a reader. */
const MOST_WAITING = 1 << 20;

export interface LineWriter {
  readonly write: (line: string) => void;
  /** How many lines could not be written. */
  readonly dropped: number;
}

/**
 * Writes lines as long as that is possible. A log that cannot be written must not end the service, and a reader that
 * does not read must not fill its memory: such lines are dropped and counted.
 */
export function createLineWriter(stream: Writable, mostWaiting = MOST_WAITING): LineWriter {
  let dropped = 0;
  // Each error is given to the callback of its line too.
  stream.on('error', () => {});
  return {
    write(line) {
      if (stream.writableLength > mostWaiting) dropped++;
      else stream.write(line, (error) => error && dropped++);
    },
    get dropped() {
      return dropped;
    },
  };
}
