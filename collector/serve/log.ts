/** The log of the service: one line per event, on standard error. It never has command lines, because they may hold secrets. */
import { pino, type DestinationStream, type Logger } from 'pino';

interface Options {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'logfmt' | 'json';
  readonly write?: (line: string) => void;
}

export function createLogger({ level, format, write = writeToStandardError }: Options): Logger {
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

function writeToStandardError(line: string): void {
  process.stderr.write(line);
}
