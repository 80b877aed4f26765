/** `forktax advise`: which spawners stall without need, and what to do about each. */
import { Command, Option } from '@commander-js/extra-typings';
import { openEngine, type OpenEngine } from '../measuring/open-engine.ts';
import { DEFAULT_URL } from '../model/address.ts';
import { ForktaxError } from '../model/errors.ts';
import { parseCount, parseInterval } from '../terminal/arguments.ts';
import { formatDuration } from '../terminal/format.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput, type Output } from '../terminal/output.ts';
import { showProgress } from '../terminal/progress.ts';
import { stopRequested } from '../terminal/stop.ts';
import { adviceJson } from './advice-json.ts';
import { adviceText } from './advice-text.ts';
import { adviseFromCollector, adviseFromHost, adviseFromRecording, type Findings } from './advise.ts';
import { GROUPINGS, type Grouping } from '../advice/rank.ts';

const DEFAULT_NS = 10e9;
/** Rows: each process that spawns takes one for each mechanism and system call. */
const MAX_PROCESSES = 16_384;

/** `openReplay` opens a recording, which is then asked instead of this host. */
export function adviseCommand(openReplay?: OpenEngine) {
  const command = new Command('advise')
    .summary('rank spawners by the stall that afork would save, and say what to do')
    .description(
      'Ranks spawners by the stall that afork would save on this host. Says why each of them stalls, and what to do ' +
        'about it.',
    )
    .option('-d, --duration <duration>', 'how long to observe (default: 10s)', parseInterval)
    .option('--url <url>', `ask a running collector for all that it has counted, such as ${DEFAULT_URL}`)
    .addOption(
      new Option('--by <group>', 'what to rank: programs, each by its executable, or single processes')
        .choices(GROUPINGS)
        .default('program' as const),
    )
    .option('--top <spawners>', 'how many spawners to show at most', parseCount, 20)
    .option('--json', 'print one JSON object')
    .action(async (options) => {
      if (options.url !== undefined && options.duration !== undefined)
        throw new ForktaxError('FORKTAX_USAGE', '--url and --duration exclude each other');
      if (options.url !== undefined && openReplay)
        throw new ForktaxError('FORKTAX_USAGE', '--url asks a running collector, and a replay asks a recording');
      const findings = await (openReplay ? fromRecording(openReplay, options) : observe(options, standardOutput));
      const { data, width } = standardOutput;
      data(
        options.json ? `${JSON.stringify(adviceJson(findings))}\n` : adviceText(findings, { top: options.top, width }),
      );
    });
  return withManual(command, {
    examples: [
      ['forktax advise', 'observe this host for ten seconds'],
      ['forktax advise -d 5m', 'observe it for five minutes'],
      ['forktax advise --by pid', 'rank single processes'],
      [`forktax advise --url ${DEFAULT_URL}`, 'use what a collector has counted since it started'],
    ],
  });
}

interface AdviseOptions {
  readonly duration?: number | undefined;
  readonly url?: string | undefined;
  readonly by: Grouping;
}

async function fromRecording(open: OpenEngine, { duration, by }: AdviseOptions): Promise<Findings> {
  const engine = await open('auto', { label: 'pid' }, standardOutput);
  try {
    return await adviseFromRecording(engine, { durationNs: duration, stop: stopRequested(), by });
  } finally {
    engine.close();
  }
}

async function observe({ url, duration, by }: AdviseOptions, output: Output): Promise<Findings> {
  return url === undefined
    ? adviseFromHost({
        watch: (ns) => showProgress(output, (passed) => `Observing process spawns: ${passed} of ${formatDuration(ns)}`),
        open: (aforkCostNs) => openEngine('auto', { aforkCostNs, label: 'pid', maxSpawners: MAX_PROCESSES }, output),
        by,
        durationNs: duration ?? DEFAULT_NS,
        stop() {
          output.talk('Observing process spawns; Ctrl-C ends.\n');
          return stopRequested();
        },
      })
    : adviseFromCollector(url, by);
}
