/** `forktax health`: asks whether the collector measures. Scripts and the health checks of containers use it. */
import { Command } from '@commander-js/extra-typings';
import { askCollector } from '../remote/ask-collector.ts';
import { parseCollectorUrl } from '../remote/collector-url.ts';
import { DEFAULT_PORT, DEFAULT_URL } from '../model/address.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';
import { printable } from '../terminal/text.ts';

export function healthCommand() {
  const command = new Command('health')
    .summary('ask a running collector whether it measures')
    .description(
      'Asks a running collector whether it measures. The exit status is 0 if it does, and 1 if it does not or cannot be reached.',
    )
    .option('--url <url>', 'the address of the collector', DEFAULT_URL)
    .action(async ({ url }) => {
      const said = await askCollector(parseCollectorUrl(url), {
        path: '-/ready',
        problem: 'no collector measures at',
        mostBytes: 64 << 10,
        timeoutMs: 10_000,
        read: (answer) => answer.trim(),
      });
      standardOutput.data(`${printable(said)}\n`);
    });
  return withManual(command, {
    examples: [
      ['forktax health', 'ask the collector on this host'],
      [`forktax health --url https://user:password@node7:${DEFAULT_PORT}`, 'ask another host, with TLS and a password'],
    ],
  });
}
