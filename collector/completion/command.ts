/** `forktax completion` prints a script for the shell, made from the tree of commands. */
import { Argument, Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';
import { commandTree } from '../terminal/command-tree.ts';
import { withManual } from '../terminal/manual.ts';
import { standardOutput } from '../terminal/output.ts';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function completionCommand() {
  const command = new Command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script that makes the shell complete commands, options and their values.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell, _options, self) => {
      standardOutput.data(SCRIPTS[shell](commandTree(rootOf(self))));
    });
  return withManual(command, {
    examples: [
      ['source <(forktax completion bash)', 'in ~/.bashrc'],
      ['source <(forktax completion zsh)', 'in ~/.zshrc, after compinit'],
      ['forktax completion fish | source', 'in ~/.config/fish/config.fish'],
    ],
  });
}

function rootOf(command: CommandUnknownOpts): CommandUnknownOpts {
  return command.parent ? rootOf(command.parent) : command;
}
