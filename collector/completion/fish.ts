import { allNodes, type CommandNode, type OptionNode } from '../terminal/command-tree.ts';
import { quote } from './words.ts';

/** Writes the script for fish. Values without choices complete to files. */
export function fishCompletion(root: CommandNode): string {
  const use = `In ~/.config/fish/config.fish: ${root.name} completion fish | source`;
  return `# fish completion for ${root.name}. ${use}\n${allNodes(root).flatMap(nodeLines).join('\n')}\n`;
}

function nodeLines(node: CommandNode): string[] {
  const [root = '', ...seen] = node.path.split(' ');
  const conditions = seen.map((name) => `__fish_seen_subcommand_from ${name}`);
  const begin = `complete -c ${root} -n ${quote(conditions.join('; and ') || '__fish_use_subcommand')}`;
  const commands = node.commands.map(({ name, summary }) => `${begin} -f -a ${name} -d ${quote(summary)}`);
  const choices = node.choices.length > 0 ? [`${begin} -f -a ${quote(node.choices.join(' '))}`] : [];
  return [...commands, ...choices, ...node.options.map((option) => `${begin} ${optionWords(option)}`)];
}

function optionWords({ flags, choices, takesValue, description }: OptionNode): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const values = choices.length > 0 ? [`-x -a ${quote(choices.join(' '))}`] : takesValue ? ['-r'] : [];
  return [...names, ...values, `-d ${quote(description)}`].join(' ');
}
