import type { CommandUnknownOpts } from '@commander-js/extra-typings';

/** What `--help` and the man page say about a command besides its options. */
export interface Manual {
  readonly examples: readonly Example[];
  /** The columns or fields of the output. Only the man page has them. */
  readonly fields?: readonly FieldList[];
}
type Example = readonly [commandLine: string, meaning: string];

export interface FieldList {
  readonly title: string;
  readonly entries: readonly (readonly [name: string, meaning: string])[];
}

const manuals = new WeakMap<object, Manual>();

/** Adds the examples to the command's help, and keeps them for the man page. */
export function withManual<C extends CommandUnknownOpts>(command: C, manual: Manual): C {
  manuals.set(command, manual);
  command.addHelpText('after', `\nExamples:\n${examplesText(manual.examples)}`);
  return command;
}

export function manualOf(command: CommandUnknownOpts): Manual {
  return manuals.get(command) ?? { examples: [] };
}

function examplesText(examples: readonly Example[]): string {
  const width = Math.max(...examples.map(([commandLine]) => commandLine.length));
  return examples.map(([commandLine, meaning]) => `  ${commandLine.padEnd(width)}  ${meaning}`).join('\n');
}
