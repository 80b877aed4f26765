import { formatBytes } from '../../terminal/format.ts';
import { printable } from '../../terminal/text.ts';
import { planLines } from '../report/plan-text.ts';
import type { InspectedProcess } from './inspect-process.ts';

/** The output of `forktax relaunch --pid`. */
export function processText(inspected: InspectedProcess): string {
  const { target, plan } = inspected;
  const { pid, comm, uid, anonymousBytes, directory } = target;
  const lines = [
    `process ${pid} (${printable(comm)}) of user ${uid}, with ${formatBytes(anonymousBytes)} of memory of its own`,
    `  ${printable(plan.command)}`,
    `  in ${printable(directory)}`,
    ...planLines(plan),
    ...(plan.changes.length === 0 ? [] : nextSteps(inspected)),
  ];
  return `${lines.join('\n')}\n`;
}

function nextSteps({ target, dropIn, refusal }: InspectedProcess): string[] {
  if (dropIn)
    return [
      `it is a service of systemd; write this to ${dropIn.path}:`,
      '',
      ...dropIn.content.split('\n'),
      'then run:',
      ...dropIn.commands.map((command) => `  ${command}`),
    ];
  if (refusal !== undefined) return [`it cannot be replaced from here: ${refusal}`];
  return [
    'to end it and run it so, with the input and output of this terminal:',
    `  forktax relaunch --pid ${target.pid} --replace`,
  ];
}
