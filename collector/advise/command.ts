/** `forktax advise`: which spawners stall without need, and what to do about each. */
import { Command } from '@commander-js/extra-typings';
import { openEngine } from '../measuring/open-engine.ts';
import { DEFAULT_URL } from '../model/address.ts';
import { ForktaxError } from '../model/errors.ts';
import { parseCount, parseInterval } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput, type Output } from '../terminal/output.ts';
import { stopRequested } from '../terminal/stop.ts';
import { adviceJson } from './advice-json.ts';
import { adviceText } from './advice-text.ts';
import { adviseFromCollector, adviseFromHost } from './advise.ts';

const DEFAULT_NS = 10e9;

export function adviseCommand() {
  const command = new Command('advise')
    .summary('rank spawners by the stall that afork would save, and say what to do')
    .description(
      'Ranks spawners by the stall that afork would save on this host. Says why each of them stalls, and what to do ' +
        'about it.',
    )
    .option('-d, --duration <duration>', 'how long to observe (default: 10s)', parseInterval)
    .option('--url <url>', `ask a running collector for all that it has counted, such as ${DEFAULT_URL}`)
    .option('--top <spawners>', 'how many spawners to show at most', parseCount, 20)
    .option('--json', 'print one JSON object')
    .action(async (options) => {
      if (options.url !== undefined && options.duration !== undefined)
        throw new ForktaxError('FORKTAX_USAGE', '--url and --duration exclude each other');
      await printAdvice(options, standardOutput);
    });
  return withManual(command, {
    examples: [
      ['forktax advise', 'observe this host for ten seconds'],
      ['forktax advise -d 5m', 'observe it for five minutes'],
      [`forktax advise --url ${DEFAULT_URL}`, 'use what a collector has counted since it started'],
    ],
  });
}

interface AdviseOptions {
  readonly duration?: number | undefined;
  readonly url?: string | undefined;
  readonly top: number;
  readonly json?: boolean | undefined;
}

async function printAdvice({ url, duration, top, json }: AdviseOptions, output: Output): Promise<void> {
  const findings = await (url === undefined
    ? adviseFromHost({
        open: (aforkCostNs) => openEngine('auto', { aforkCostNs }, output),
        durationNs: duration ?? DEFAULT_NS,
        stop() {
          output.talk('Observing process spawns; Ctrl-C ends.\n');
          return stopRequested();
        },
      })
    : adviseFromCollector(url));
  output.data(json ? `${JSON.stringify(adviceJson(findings))}\n` : adviceText(findings, top));
}
