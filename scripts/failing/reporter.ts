/** A reporter for node:test: a JSON line for each failure, and for each word of testing/watchdog.ts. */
import type { TestEvent } from 'node:test/reporters';

export interface Failure {
  readonly name: string;
  readonly type: string;
  readonly message: string;
  /** The signal that ended the process of the file. */
  readonly signal?: string | null | undefined;
}

type NodeError = Error & Pick<Failure, 'signal'> & { readonly failureType?: string };

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type === 'test:stderr' && event.data.message.startsWith('watchdog: '))
      yield line({
        name: event.data.file,
        type: 'watchdog',
        message: event.data.message.slice('watchdog: '.length).trim(),
      });
    if (event.type === 'test:fail') yield line(failureOf(event.data.name, event.data.details.error));
  }
}

const line = (failure: Failure) => `${JSON.stringify(failure)}\n`;

function failureOf(name: string, { failureType = '', cause, signal }: NodeError): Failure {
  return { name, type: failureType, message: cause instanceof Error ? cause.message : String(cause), signal };
}
