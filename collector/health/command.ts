/** `forktax health`: does the collector measure? For the health checks of containers, and for scripts. */
import { Command } from '@commander-js/extra-typings';
import { askCollector } from '../remote/ask-collector.ts';
import { DEFAULT_PORT } from '../serve/config/settings.ts';
import { ForktaxError } from '../model/errors.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';

export function healthCommand() {
  const command = new Command('health')
    .summary('ask a running collector whether it measures')
    .description(
      'Asks a running collector whether it measures. Exit status 0: it does; 1: it does not, or is not there.',
    )
    .option('--url <url>', 'where it is', `http://127.0.0.1:${DEFAULT_PORT}`)
    .action(async ({ url }) => {
      if (!URL.canParse(url))
        throw new ForktaxError('FORKTAX_USAGE', `--url: ${url} is no address such as http://host:port`);
      standardOutput.data(await askCollector(new URL(url), '-/ready', 'no measuring at', (answer) => answer.text()));
    });
  return withManual(command, {
    examples: [
      ['forktax health', 'on this host'],
      ['forktax health --url https://user:password@node7:19435', 'elsewhere, with TLS and a password'],
    ],
  });
}
