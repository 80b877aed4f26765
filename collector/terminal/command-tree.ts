import type { CommandUnknownOpts } from '@commander-js/extra-typings';

/** A command as completion and the man page see it. */
export interface CommandNode {
  readonly command: CommandUnknownOpts;
  /** `forktax snoop` */
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
  /** The values of arguments that take only certain ones. */
  readonly choices: readonly string[];
}

export interface OptionNode {
  /** `-p, --pid <pid>` */
  readonly term: string;
  readonly description: string;
  /** The description with choices and default. */
  readonly fullDescription: string;
  /** `-p`, `--pid` */
  readonly flags: readonly string[];
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

export function commandTree(command: CommandUnknownOpts, parent = ''): CommandNode {
  const help = command.createHelp();
  const path = `${parent} ${command.name()}`.trimStart();
  return {
    command,
    path,
    name: command.name(),
    summary: command.summary() || command.description(),
    options: help.visibleOptions(command).map((option) => ({
      term: help.optionTerm(option),
      description: option.description,
      fullDescription: help.optionDescription(option),
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      takesValue: option.required,
      choices: option.argChoices ?? [],
    })),
    commands: help.visibleCommands(command).map((each) => commandTree(each, path)),
    choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  };
}

/** Gives a node and all nodes below it. */
export function allNodes(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(allNodes)];
}
