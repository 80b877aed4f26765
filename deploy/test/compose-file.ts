/** Reads docker-compose.yml and Dockerfile. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const TOP = fileURLToPath(new URL('../..', import.meta.url));

export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
}

export interface Service {
  readonly image: string;
  readonly pid?: string;
  readonly privileged?: boolean;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly read_only?: boolean;
  readonly security_opt?: readonly string[];
  readonly volumes?: readonly (string | Mount)[];
  readonly expose?: readonly string[];
  readonly healthcheck?: unknown;
}

export function composeServices(): Readonly<Record<'collector' | 'prometheus' | 'grafana', Service>> {
  return parse(readFileSync(`${TOP}/docker-compose.yml`, 'utf8'), { merge: true }).services;
}

/** Gives the instructions of the last stage, which is the image: `ENV` and what follows it. */
export function imageInstructions(): readonly (readonly [name: string, value: string])[] {
  const lines = readFileSync(`${TOP}/Dockerfile`, 'utf8')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  const instructions = lines.filter((line) => /^[A-Z]/.test(line)).map(splitInstruction);
  return instructions.slice(instructions.findLastIndex(([name]) => name === 'FROM'));
}

function splitInstruction(line: string): readonly [string, string] {
  const [, name = '', value = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
  return [name, value];
}

/** Gives the command that ENTRYPOINT, CMD or HEALTHCHECK runs. */
export function imageCommand(name: 'ENTRYPOINT' | 'CMD' | 'HEALTHCHECK'): string[] {
  const value = imageInstructions().find(([each]) => each === name)?.[1] ?? '';
  return JSON.parse(value.slice(value.indexOf('[')));
}
