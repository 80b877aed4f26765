/** Flags of benchmarks and of scripts for developers. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

type Parsed<Config extends ParseArgsConfig> = ReturnType<typeof parseArgs<Config>>;

/**
 * Reads them from the command line. `--help` prints `usage` and ends with 0; a wrong flag is told on one line, and ends with 2.
 * Call it before anything is measured or written.
 */
export function scriptFlags<const Config extends ParseArgsConfig>(usage: string, config: Config): Parsed<Config> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`Usage: ${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    // The sentences after the first are advice for programs that take any argument.
    return wrongFlag(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
}

/** @param least 0: any number of at least that. 1: a whole one. */
export function numberOf(flag: string, text: string, least: 0 | 1 = 1): number {
  const isNumber = least === 1 ? /^\d+$/.test(text) : /^\d+(\.\d+)?$/.test(text);
  const number = Number(text);
  if (isNumber && number >= least) return number;
  return wrongFlag(`${flag} ${text}: must be a ${least === 1 ? 'whole number from 1 on' : 'number from 0 on'}`);
}

export function wrongFlag(message: string): never {
  process.stderr.write(`${message}; --help tells more\n`);
  process.exit(2);
}
