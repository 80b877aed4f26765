/** `forktax export` writes a timeline of spawns for a trace viewer. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from '@commander-js/extra-typings';
import { clockOf } from '../measuring/clock.ts';
import { EVENT_RING_BYTES } from '../measuring/event-ring.ts';
import { measure } from '../measuring/measure.ts';
import { callHookOption, engineOption, openEngine, type OpenEngine } from '../measuring/open-engine.ts';
import { ForktaxError } from '../model/errors.ts';
import { parseDuration, parsePid } from '../terminal/arguments.ts';
import { formatCount } from '../terminal/format.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';

export function exportCommand(open: OpenEngine = openEngine) {
  const command = new Command('export')
    .summary('write a timeline of spawns for Perfetto or Chrome')
    .description(
      'Writes a timeline: for each process its life, and what each of its threads spawned, with arrows from spawner to ' +
        'child. Open the file at https://ui.perfetto.dev, which keeps it in the browser. `forktax replay` exports a recording.',
    )
    .usage('[options] [-- <command> [arguments...]]')
    .argument('[command...]', 'a program and its arguments')
    .option('--perfetto <file>', 'write a trace of Perfetto')
    .option('--chrome <file>', "write Chrome's JSON, which more tools read and which is larger")
    .option('-p, --pid <pid>', 'only this process and its descendants from now on', parsePid)
    .option('-d, --duration <duration>', 'stop after this time, such as 30s', parseDuration)
    .addOption(engineOption())
    .addOption(callHookOption())
    .passThroughOptions()
    .action(async (words, options) => {
      const { pid, perfetto, chrome, duration, callHook } = options;
      if (perfetto === undefined && chrome === undefined)
        throw new ForktaxError('FORKTAX_USAGE', 'give a file with --perfetto or --chrome');
      const { ProcessTree } = await import('../model/process-tree.ts');
      const processes = new ProcessTree();
      let endMs = 0;
      let eventsLost = 0;
      const filter = pid === undefined ? {} : { pid, follow: true };
      const wanted = { filter, callHook, ringBytes: EVENT_RING_BYTES };
      await measure(open, { words, pid, engine: options.engine, options: wanted }, async (engine, end, own) => {
        const lostBefore = engine.snapshot().health.eventsLost;
        const unsubscribe = engine.subscribe((events) => {
          for (const event of events) processes.add(event);
        });
        if (!own) standardOutput.talk('Watching process spawns; Ctrl-C ends.\n');
        await clockOf(engine).pause(duration, end);
        await engine.settle?.();
        unsubscribe();
        const last = engine.snapshot();
        endMs = last.atMs;
        eventsLost = last.health.eventsLost - lostBefore;
      });
      const { timelineOf } = await import('./timeline.ts');
      const timeline = timelineOf(processes.roots, endMs);
      if (perfetto !== undefined) await write(perfetto, (await import('./perfetto.ts')).perfettoTrace(timeline));
      if (chrome !== undefined) await write(chrome, (await import('./chrome.ts')).chromeTrace(timeline));
      const files = [perfetto, chrome].filter((file) => file !== undefined).join(' and ');
      standardOutput.talk(`Wrote ${formatCount(timeline.processes.length)} processes to ${files}\n`);
      if (eventsLost > 0)
        standardOutput.talk(`${formatCount(eventsLost)} events were lost, so the timeline is not complete\n`);
      if (processes.leftOut > 0)
        standardOutput.talk(
          `${formatCount(processes.leftOut)} later events are left out: the timeline has no room for more processes\n`,
        );
    });
  return withManual(command, {
    examples: [
      ['forktax export --perfetto build.pftrace -- make -j4', 'the timeline of a build'],
      ['forktax replay spawns.rec export --chrome spawns.json', 'that of a recording'],
    ],
  });
}

/** @throws FORKTAX_OUTPUT */
async function write(path: string, pieces: Iterable<Buffer | string>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), createWriteStream(path));
  } catch (cause) {
    throw new ForktaxError('FORKTAX_OUTPUT', `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
