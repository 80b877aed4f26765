/** What events carry on request: command lines and ancestors, on whatever kernel and by whatever hook. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { prepareSpawnload } from '../../../../native/spawnload/spawnload.ts';
import { availableWays, openEngine } from '../../../../testing/engines.ts';
import type { EngineEvent } from '../../../model/events.ts';
import type { EngineOptions } from '../../../model/options.ts';

const COUNT = 5;

/** The events of a load's process. `optionsOf` gets its pid. */
async function eventsOf(optionsOf: (pid: number) => Partial<EngineOptions>): Promise<EngineEvent[]> {
  const load = await prepareSpawnload(['--count', `${COUNT}`]);
  using engine = openEngine({ filter: { pid: load.pid }, ...optionsOf(load.pid) });
  const events: EngineEvent[] = [];
  const whole = Promise.withResolvers<void>();
  const stop = engine.subscribe((batch) => {
    events.push(...batch);
    if (events.filter(({ kind }) => kind === 'exit').length >= COUNT) whole.resolve();
  });
  await load.go();
  await Promise.race([whole.promise, pause(20_000, undefined, { ref: false })]);
  stop();
  return events;
}

const commandLines = (events: readonly EngineEvent[]): unknown[] =>
  events.flatMap((event) => (event.kind === 'exec' ? [event.commandLine] : []));
const ancestries = (events: readonly EngineEvent[]) =>
  events.flatMap((event) => (event.kind === 'spawn' ? [event.ancestry] : []));

function parentsOf(pid: number): number[] {
  const parent = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return parent === 0 ? [] : [parent, ...parentsOf(parent)];
}

for (const callHook of availableWays())
  describe(callHook, () => {
    test('both, beside all else', async () => {
      const events = await eventsOf(() => ({ callHook, details: ['arguments', 'ancestors'] }));
      assert.equal(commandLines(events).length, COUNT);
      for (const line of commandLines(events) as { words: string[]; cut: boolean }[]) {
        assert.ok(line.words.length > 0 && line.words.every((word) => !word.includes('\0')));
        assert.match(line.words[0] ?? '', /spawnload/);
        assert.equal(line.cut, false);
      }
      assert.equal(ancestries(events).length, COUNT);
      const above = [process.pid, ...parentsOf(process.pid)];
      for (const ancestry of ancestries(events)) {
        assert.deepEqual(
          ancestry?.chain.map(({ pid }) => pid),
          above.slice(0, 12),
        );
        assert.equal(ancestry.cut, above.length > 12);
        assert.ok(ancestry.chain.every(({ comm }) => comm !== ''));
      }
    });

    test('neither, unless asked for', async () => {
      const events = await eventsOf(() => ({ callHook }));
      assert.deepEqual(new Set([...commandLines(events), ...ancestries(events)]), new Set([undefined]));
    });

    test('command lines of the descendants of one process only', async () => {
      const details = ['arguments'] as const;
      const own = await eventsOf((pid) => ({ callHook, details, argumentsBelowPid: pid }));
      assert.ok(commandLines(own).length === COUNT && !commandLines(own).includes(undefined));
      const above = await eventsOf(() => ({ callHook, details, argumentsBelowPid: process.pid }));
      assert.ok(commandLines(above).length === COUNT && !commandLines(above).includes(undefined));
      const foreign = await eventsOf(() => ({ callHook, details, argumentsBelowPid: 4_194_303 }));
      assert.deepEqual(
        commandLines(foreign),
        Array.from({ length: COUNT }, () => undefined),
      );
    });
  });
