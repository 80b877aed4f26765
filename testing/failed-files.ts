/**
 * A reporter for node:test: the path of each test file that failed, a line each, when the run has ended. `scripts/test --failed`
 * reads them.
 */
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failed = new Set<string>();
  for await (const event of events) {
    // A file whose process ended early has no summary: the runner reports the file as a test that failed.
    const file =
      event.type === 'test:summary' && !event.data.success
        ? event.data.file
        : event.type === 'test:fail' && event.data.name.endsWith('.test.ts')
          ? event.data.name
          : undefined;
    if (file !== undefined && existsSync(file)) failed.add(resolve(file));
  }
  for (const file of failed) yield `${relative('.', file)}\n`;
}
