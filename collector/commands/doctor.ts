/** `forktax doctor`: can forktax measure here, and if not, what to do? Changes nothing. */
import { Command } from '@commander-js/extra-typings';
import { diagnose, type Trial } from '../doctor/examine.ts';
import { readHost } from '../doctor/host.ts';
import { ForktaxError } from '../errors.ts';
import { doctorText } from '../terminal/doctor-report.ts';
import { standardOutput } from '../terminal/output.ts';

export const DOCTOR_SCHEMA = 1;

export function doctorCommand() {
  return new Command('doctor')
    .summary('tell whether forktax can measure here, and what to do if not')
    .description('Tells whether forktax can measure here, and what to do if not. Exit status 0: it can; 1: it cannot.')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }) => {
      const diagnosis = diagnose(readHost({ proc: '/proc', sys: '/sys' }), await tryEngine());
      const { data } = standardOutput;
      if (json) data(`${JSON.stringify({ schema: DOCTOR_SCHEMA, ...diagnosis })}\n`);
      else data(doctorText(diagnosis, standardOutput));
      if (!diagnosis.able) throw new ForktaxError('FORKTAX_UNABLE', 'spawns cannot be measured here');
    });
}

async function tryEngine(): Promise<Trial> {
  const { loadNative } = await import('../engine/native.ts');
  const { tryHooks } = await import('../engine/core.ts');
  try {
    loadNative();
    return tryHooks();
  } catch (error) {
    if (error instanceof ForktaxError) return { error };
    throw error;
  }
}
