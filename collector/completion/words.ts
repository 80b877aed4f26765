/** What can follow where, in the words that every shell's script needs. */
import { allNodes, type CommandNode } from '../terminal/command-tree.ts';

/** Options before commands make a long list: they are offered with the commands, as shells do. */
export function wordsOf(node: CommandNode): { word: string; meaning: string }[] {
  return [
    ...node.commands.map(({ name, summary }) => ({ word: name, meaning: summary })),
    ...node.choices.map((word) => ({ word, meaning: '' })),
    ...node.options.flatMap(({ flags, description }) => ({ word: flags.at(-1) ?? '', meaning: description })),
  ];
}

/** `'forktax snoop'|'forktax hist'`: a pattern of `case` for all commands below the root. */
export function pathsPattern(root: CommandNode): string {
  return allNodes(root)
    .filter((node) => node !== root)
    .map(({ path }) => quote(path))
    .join('|');
}

/** One branch of `case` for each option that takes a value; `branch` says what is done for its choices. */
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

/** For any of the three shells. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
