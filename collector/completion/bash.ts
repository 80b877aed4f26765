import { allNodes, type CommandNode } from '../terminal/command-tree.ts';
import { pathsPattern, quote, valueBranches, wordsOf } from './words.ts';

/** Writes the script for bash. Values without choices complete to files. Bash takes `=` as a separate word. */
export function bashCompletion(root: CommandNode): string {
  const { name } = root;
  const branches = allNodes(root).map((node) => {
    return `\t\t${quote(node.path)}) ${assign(wordsOf(node).map(({ word }) => word))} ;;`;
  });
  return `# bash completion for ${name}. In ~/.bashrc: source <(${name} completion bash)
_${name}() {
	local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path=${name} words='' i
	if [[ $word == = ]]; then word=''
	elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case "$path \${COMP_WORDS[i]}" in
		${pathsPattern(root)}) path+=" \${COMP_WORDS[i]}" ;;
		*' --') return ;;
		esac
	done
	case "$path $before" in
${valueBranches(root, (choices) => assign(choices))}
	*)
		case $path in
${branches.join('\n')}
		esac ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _${name} ${name}
`;
}

function assign(words: readonly string[]): string {
  return `words=${quote(words.join(' '))}`;
}
