/** Runs a function in a Node process of its own, with afork registered. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
export const REGISTER = `${PACKAGE}register.cjs`;
const INDEX = `${PACKAGE}dist/index.js`;

export interface Ended<T> {
  /** What the function returned, or its promise gave. */
  readonly result: T;
  readonly code: number | null;
  readonly errors: string;
}

export interface Settings {
  readonly options?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly node?: string;
}

/** `program` is sent as text: it sees nothing of its file, and gets the path of afork's index. */
export function runProgram<T>(program: (index: string) => T | Promise<T>, settings: Settings = {}): Promise<Ended<T>> {
  const { options = ['--require', REGISTER], env = {}, node = process.execPath } = settings;
  const text = `Promise.resolve((${program.toString()})(${JSON.stringify(INDEX)}))
    .then((result) => process.stdout.write(JSON.stringify(result ?? null)))`;
  const child = spawn(node, [...options, '-e', text], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (errors += chunk));
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (output === '') reject(new Error(`ended with ${code ?? signal} and said nothing but ${errors}`));
      else resolve({ result: JSON.parse(output) as T, code, errors });
    });
  });
}
