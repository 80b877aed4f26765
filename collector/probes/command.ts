/** `forktax probes` lists and runs bpftrace scripts for people. Each answers one question. */
import { Argument, Command } from '@commander-js/extra-typings';
import { readPeopleScript, scriptNames, scriptText } from '../engine/bpftrace/scripts.ts';
import { parseDuration } from '../terminal/arguments.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput, type Output } from '../terminal/output.ts';
import { pause, stopRequested } from '../terminal/stop.ts';

export function probesCommand() {
  const command = new Command('probes')
    .summary('list and run bpftrace scripts that each answer one question')
    .description(
      'Lists the bpftrace scripts that come with forktax. Each answers one question, and needs only bpftrace.',
    )
    .action(() => standardOutput.data(scriptList()));
  command.addCommand(runCommand());
  return withManual(command, {
    examples: [
      ['forktax probes', 'list the scripts, and where they are'],
      ['forktax probes run spawn-stalls', 'run one until Ctrl-C'],
      ['bpftrace -q probes/spawn-stalls.bt', 'the same with bpftrace alone'],
    ],
  });
}

function runCommand() {
  const command = new Command('run')
    .summary('run a script until Ctrl-C')
    .description('Runs a script with bpftrace, and prints what it found when it ends.')
    .addArgument(new Argument('<script>', 'which script').choices(scriptNames()))
    .option('-d, --duration <duration>', 'stop after this time, such as 30s', parseDuration)
    .option('--json', 'print NDJSON: one message of bpftrace per line')
    .action((name, options) => runScript(name, options, standardOutput, stopRequested()));
  return withManual(command, {
    examples: [
      ['forktax probes run exec-failures -d 10s', 'for ten seconds'],
      ['forktax probes run fork-copies --json', 'for programs'],
    ],
  });
}

function scriptList(): string {
  const scripts = scriptNames().map(readPeopleScript);
  const width = Math.max(...scripts.map(({ name }) => name.length));
  const lines = scripts.map(({ name, question }) => `${name.padEnd(width)}  ${question}\n`);
  return `${lines.join('')}\nThe comment at the top of each script is its manual. The scripts are in ${scripts[0]?.file.replace(/[^/]+$/, '')}\n`;
}

interface RunSettings {
  readonly json?: boolean | undefined;
  /** Nanoseconds. */
  readonly duration?: number | undefined;
}

async function runScript(name: string, settings: RunSettings, output: Output, stop: AbortSignal): Promise<void> {
  const { run } = await import('bpftrace-wrapper');
  const { explained } = await import('../engine/bpftrace/errors.ts');
  const { messageText } = await import('./text.ts');
  const { question, file } = readPeopleScript(name);
  try {
    await using trace = await run({ script: { text: scriptText(file) }, helperErrors: false });
    output.talk(`${question} Ctrl-C ends.\n`);
    void pause(settings.duration, stop).then(() => trace.stop());
    for await (const message of trace) {
      if (message.type === 'lost') output.talk(`bpftrace lost ${message.events} events\n`);
      if (message.type === 'error') output.talk(`bpftrace: ${message.text}\n`);
      output.data(settings.json ? `${jsonLine(message)}\n` : messageText(message));
    }
  } catch (error) {
    throw explained(error);
  }
}

/** Gives integers that a double cannot hold as strings. */
function jsonLine(message: unknown): string {
  return JSON.stringify(message, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
