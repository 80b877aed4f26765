/** Gives the words that can follow each command, for the script of each shell. */
import { allNodes, type CommandNode } from '../terminal/command-tree.ts';

/** Gives the commands and options that can follow a command, with their meanings. */
export function wordsOf(node: CommandNode): { word: string; meaning: string }[] {
  return [
    ...node.commands.map(({ name, summary }) => ({ word: name, meaning: summary })),
    ...node.choices.map((word) => ({ word, meaning: '' })),
    ...node.options.flatMap(({ flags, description }) => ({ word: flags.at(-1) ?? '', meaning: description })),
  ];
}

/** Gives a `case` pattern for all commands below the root: `'forktax snoop'|'forktax hist'`. */
export function pathsPattern(root: CommandNode): string {
  return allNodes(root)
    .filter((node) => node !== root)
    .map(({ path }) => quote(path))
    .join('|');
}

/** Gives one `case` branch for each option that takes a value. `branch` gives the body for its choices. */
export function valueBranches(root: CommandNode, branch: (choices: readonly string[]) => string): string {
  const lines = allNodes(root).flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flags, choices }) => {
        const pattern = flags.map((flag) => quote(`${path} ${flag}`)).join('|');
        return `\t${pattern}) ${branch(choices)} ;;`;
      }),
  );
  return lines.join('\n');
}

/** Quotes text for any of the three shells. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
