/** `forktax advise`: which spawners stand still without need, and what to do about each. */
import { Command } from '@commander-js/extra-typings';
import { ForktaxError } from '../model/errors.ts';
import { calibrateAfork } from './calibrate.ts';
import { atCost, observeCollector } from './observe-collector.ts';
import { rankSpawners } from './rank.ts';
import { adviceJson, adviceText } from './advice-text.ts';
import { observe, type Observation } from './observe-host.ts';
import { parseCount, parseInterval } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput, type Output } from '../terminal/output.ts';
import { stopRequested } from '../terminal/stop.ts';
import { openEngine } from '../measuring/open-engine.ts';

const DEFAULT_NS = 10e9;

export function adviseCommand() {
  const command = new Command('advise')
    .summary('rank spawners by avoidable stall, and say what to do')
    .description(
      'Ranks spawners by the stall that afork would spare them on this host, and says of each why it stands still and ' +
        'what to do.',
    )
    .option('-d, --duration <duration>', 'observe for so long (default: 10s)', parseInterval)
    .option('--url <url>', 'take what a collector has counted since it began, such as http://127.0.0.1:19435')
    .option('--top <spawners>', 'at most so many', parseCount, 20)
    .option('--json', 'print one JSON object')
    .action(async (options) => {
      if (options.url !== undefined && options.duration !== undefined)
        throw new ForktaxError('FORKTAX_USAGE', '--url takes all that the collector has counted: not with --duration');
      await advise(options, standardOutput);
    });
  return withManual(command, {
    examples: [
      ['forktax advise', 'who stands still without need, in ten seconds'],
      ['forktax advise -d 5m', 'in five minutes'],
      ['forktax advise --url http://127.0.0.1:19435', 'since the collector began'],
    ],
  });
}

interface AdviseOptions {
  readonly duration?: number | undefined;
  readonly url?: string | undefined;
  readonly top: number;
  readonly json?: boolean | undefined;
}

async function advise(options: AdviseOptions, output: Output): Promise<void> {
  const { aforkCostNs, observation } = await (options.url === undefined
    ? observeHere(options, output)
    : observeThere(options.url));
  const { ns: observedNs, eventsLost } = observation;
  const findings = { aforkCostNs, observedNs, advice: rankSpawners(observation), eventsLost };
  output.data(options.json ? `${JSON.stringify(adviceJson(findings))}\n` : adviceText(findings, options.top));
}

interface Observed {
  readonly aforkCostNs: number;
  readonly observation: Observation;
}

/** The calibration spawns too: it must not be among what the collector has counted. */
async function observeThere(url: string): Promise<Observed> {
  const observation = await observeCollector(url);
  const aforkCostNs = await calibrateAfork();
  return { aforkCostNs, observation: { ...observation, rows: atCost(observation.rows, aforkCostNs) } };
}

async function observeHere({ duration }: AdviseOptions, output: Output): Promise<Observed> {
  const aforkCostNs = await calibrateAfork();
  const engine = await openEngine('auto', { aforkCostNs }, output);
  try {
    output.talk('Observing process spawns; Ctrl-C ends.\n');
    const observation = await observe(engine, duration ?? DEFAULT_NS, stopRequested());
    return { aforkCostNs, observation };
  } finally {
    engine.close();
  }
}
