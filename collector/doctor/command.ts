/** `forktax doctor` says whether forktax can measure here and, if not, what to do. It changes nothing. */
import { Command } from '@commander-js/extra-typings';
import { DIAGNOSIS_FIELDS, diagnose, diagnosisRecord, seesSpawns, type BpftraceTrial, type Trial } from './examine.ts';
import { readHost } from './host.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../model/options.ts';
import type { Hook } from '../model/hooks.ts';
import { ForktaxError } from '../model/errors.ts';
import { doctorText } from './text.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';

export function doctorCommand() {
  const command = new Command('doctor')
    .summary('check whether forktax can measure here, and say what to do if not')
    .description(
      'Checks whether forktax can measure here. Shows each hook, attachable or not, with the reason and a fix. The exit status is 0 if it can measure, and 1 if it cannot.',
    )
    .option('--json', 'print one JSON object')
    .action(async ({ json }) => {
      const trial = await tryEngine();
      const bpftrace = await tryBpftrace(seesSpawns(trial));
      const diagnosis = diagnose(readHost({ proc: '/proc', sys: '/sys' }), trial, bpftrace);
      const { data } = standardOutput;
      if (json) data(`${JSON.stringify(diagnosisRecord(diagnosis))}\n`);
      else data(doctorText(diagnosis, standardOutput));
      if (!diagnosis.able) throw new ForktaxError('FORKTAX_UNABLE', 'spawns cannot be measured here');
    });
  return withManual(command, {
    examples: [
      ['forktax doctor', 'what this kernel and this user allow'],
      ['forktax doctor --json', 'the same as JSON, to attach to a bug report'],
    ],
    fields: [{ title: 'Object of doctor --json', entries: Object.entries(DIAGNOSIS_FIELDS) }],
  });
}

async function tryEngine(): Promise<Trial> {
  const { loadNative } = await import('../system/native.ts');
  const { tryHooks } = await import('../engine/core/engine.ts');
  try {
    loadNative();
    return tryHooks();
  } catch (error) {
    if (error instanceof ForktaxError) return { error };
    throw error;
  }
}

/** Tries the bpftrace engine only if core cannot measure, because that takes a second or two. */
async function tryBpftrace(isSpare: boolean): Promise<BpftraceTrial> {
  const { findBpftrace } = await import('bpftrace-wrapper');
  const { explained, noTracefs } = await import('../engine/bpftrace/errors.ts');
  const { tracefs } = await import('../system/tracefs.ts');
  try {
    const { path, version } = await findBpftrace();
    const found = { path, version: version.text };
    if (tracefs() === undefined) return { ...found, refusal: noTracefs() };
    return isSpare ? found : { ...found, ...(await tryBpftraceEngine()) };
  } catch (error) {
    const why = explained(error);
    if (why instanceof ForktaxError) return { error: why };
    throw error;
  }
}

async function tryBpftraceEngine(): Promise<{ hooks: readonly Hook[] } | { refusal: ForktaxError }> {
  const { openBpftraceEngine } = await import('../engine/bpftrace/engine.ts');
  try {
    const engine = await openBpftraceEngine(DEFAULT_ENGINE_OPTIONS);
    engine.close();
    return { hooks: engine.hooks };
  } catch (error) {
    if (error instanceof ForktaxError) return { refusal: error };
    throw error;
  }
}
