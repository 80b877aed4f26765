import { Lexer, parse } from 'yaml';
import { ForktaxError } from '../../model/errors.ts';
import { readRegularFile } from '../../system/files.ts';

const MOST_BYTES = 256 << 10;
/** The parser takes time by the square of these, and all of its stack. A user of basic_auth_users takes 6 tokens. */
const MOST_TOKENS = 10_000;
const MOST_DEPTH = 32;

/** @throws FORKTAX_CONFIG: `setting` names the file in question. */
export async function readYaml(path: string, setting: string): Promise<unknown> {
  try {
    const text = (await readRegularFile(path, MOST_BYTES)).toString();
    refuseExcess(text);
    // 'error': what is merely odd must not go to the console past the log.
    return parse(text, { logLevel: 'error', prettyErrors: true }) ?? {};
  } catch (cause) {
    const [reason = ''] = cause instanceof Error ? cause.message.split(':\n') : [];
    throw new ForktaxError('FORKTAX_CONFIG', `${setting}: cannot read ${path}: ${reason}`, { cause });
  }
}

/** Depth counts open brackets, and what begins on one line. Depth by indentation needs no limit: it takes longer lines. */
function refuseExcess(text: string): void {
  let brackets = 0;
  let begun = 0;
  let tokens = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets++;
    else if (token === ']' || token === '}') brackets--;
    else if (token === '-' || token === '?') begun++;
    else if (token.startsWith('\n')) begun = 0;
    if (brackets > MOST_DEPTH || begun > MOST_DEPTH) throw new Error(`it is nested more than ${MOST_DEPTH} deep`);
    if (++tokens > MOST_TOKENS) throw new Error(`it has more than ${MOST_TOKENS} tokens`);
  }
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
