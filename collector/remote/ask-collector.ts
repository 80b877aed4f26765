/** Asks a running collector. Nothing that it answers is trusted: neither its size, nor its form, nor that it ends. */
import { ForktaxError } from '../model/errors.ts';
import { printable } from '../terminal/text.ts';
import { boundedText } from './bounded-text.ts';

interface Question<T> {
  /** Below the address of the collector. */
  readonly path: string;
  /** An error message begins with it. */
  readonly problem: string;
  /** The answer may have this many bytes. */
  readonly mostBytes: number;
  /** The whole answer must have come by then. */
  readonly timeoutMs: number;
  readonly read: (answer: string) => T;
}

const REFUSAL_CHARACTERS = 300;

/**
 * Asks the collector at `url`, which may hold a user and a password.
 * @throws FORKTAX_COLLECTOR
 */
export async function askCollector<T>(url: URL, question: Question<T>): Promise<T> {
  const { path, problem, mostBytes, timeoutMs, read } = question;
  const address = new URL(path, url.href.endsWith('/') ? url : `${url.href}/`);
  const headers = credentialsOf(address);
  address.username = '';
  address.password = '';
  try {
    const response = await fetch(address, { headers, signal: AbortSignal.timeout(timeoutMs) });
    const text = response.body ? await boundedText(response.body, mostBytes) : '';
    if (!response.ok) throw new Error(refusalOf(response, text));
    return read(text);
  } catch (cause) {
    const reason = reasonOf(cause as Error, { port: address.port, timeoutMs });
    throw new ForktaxError('FORKTAX_COLLECTOR', `${problem} ${address.href}: ${reason}`, { cause });
  }
}

/** fetch refuses an address that holds a user and a password. */
function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** A collector explains a refusal in one line of text. */
function refusalOf({ status, statusText, headers }: Response, text: string): string {
  const said = headers.get('content-type')?.startsWith('text/plain') ? text.trim().slice(0, REFUSAL_CHARACTERS) : '';
  return [`the server answers ${status} ${printable(statusText)}`.trim(), ...(said ? [printable(said)] : [])].join(
    ': ',
  );
}

/** The message of fetch itself is always "fetch failed"; its cause tells why. */
function reasonOf({ name, message, cause }: Error, { port, timeoutMs }: { port: string; timeoutMs: number }): string {
  if (name === 'TimeoutError') return `no whole answer within ${timeoutMs / 1000} s`;
  const reason = cause instanceof Error ? cause.message : message;
  if (reason === 'bad port')
    return `port ${port} belongs to another protocol, so HTTP clients refuse it; let the collector listen on another`;
  return printable(reason);
}
