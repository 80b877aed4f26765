import { allNodes, type CommandNode } from '../terminal/command-tree.ts';
import { pathsPattern, quote, valueBranches, wordsOf } from './words.ts';

/** Writes the script for zsh. Values without choices complete to files. */
export function zshCompletion(root: CommandNode): string {
  const { name } = root;
  const branches = allNodes(root).map((node) => {
    const described = wordsOf(node).map(({ word, meaning }) => `${escapeColons(word)}:${meaning}`);
    return `\t\t${quote(node.path)}) ${assign(described)} ;;`;
  });
  return `#compdef ${name}
# zsh completion for ${name}: in a folder of $fpath as _${name}, or in ~/.zshrc: source <(${name} completion zsh)
_${name}() {
	local command_path=${name} i
	local -a candidates
	for ((i = 2; i < CURRENT; i++)); do
		case "$command_path \${words[i]}" in
		${pathsPattern(root)}) command_path+=" \${words[i]}" ;;
		*' --') _default; return ;;
		esac
	done
	case "$command_path \${words[CURRENT-1]}" in
${valueBranches(root, (choices) => (choices.length > 0 ? assign(choices.map(escapeColons)) : '_files; return'))}
	*)
		case $command_path in
${branches.join('\n')}
		esac ;;
	esac
	_describe ${name} candidates || _files
}
if [[ \${funcstack[1]} == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function assign(candidates: readonly string[]): string {
  return `candidates=(${candidates.map(quote).join(' ')})`;
}

/** Escapes colons, because _describe ends a word at a colon. */
function escapeColons(word: string): string {
  return word.replaceAll(':', '\\:');
}
