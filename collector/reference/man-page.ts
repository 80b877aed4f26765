/** Writes the man page in the macros of man(7). Commands, options, examples and fields come from the tree of commands. */
import { allNodes, type CommandNode, type OptionNode } from '../terminal/command-tree.ts';
import { manualOf, type FieldList } from '../terminal/manual.ts';
import { MAN_DESCRIPTION, MAN_SECTIONS } from './man-text.ts';

export function manPage(root: CommandNode, version: string): string {
  const commands = allNodes(root).filter((node) => node !== root);
  const fields = commands.flatMap(({ command }) => manualOf(command).fields ?? []);
  return [
    '.\\" Generated from the command line by scripts/generate-docs.ts: do not edit.',
    `.TH FORKTAX 1 "" "forktax ${version}" "User Commands"`,
    '.SH NAME',
    `forktax \\- ${text(root.summary)}`,
    '.SH SYNOPSIS',
    ...commands.flatMap(synopsis),
    '.SH DESCRIPTION',
    ...paragraphs(MAN_DESCRIPTION),
    '.SH OPTIONS',
    ...root.options.flatMap(option),
    '.SH COMMANDS',
    ...commands.flatMap(commandSection),
    '.SH FIELDS',
    ...fields.flatMap(fieldList),
    '.SH EXAMPLES',
    ...commands.flatMap(examples),
    ...MAN_SECTIONS.flatMap(section),
    '',
  ].join('\n');
}

function synopsis({ path, command }: CommandNode): string[] {
  const usage = command.usage().replace('[options]', '[OPTION]...');
  return [`.B ${literal(path)}`, `.RI ${quoted(literal(usage))}`, '.br'];
}

function commandSection({ path, command, options }: CommandNode): string[] {
  const help = command.createHelp();
  const terms = help.visibleArguments(command).flatMap((argument) => {
    return ['.TP', `.I ${literal(argument.name())}`, text(help.argumentDescription(argument))];
  });
  return [
    `.SS ${quoted(literal(path))}`,
    text(command.description()),
    ...terms,
    ...options.filter(isOwn).flatMap(option),
  ];
}

function option({ term, fullDescription }: OptionNode): string[] {
  return ['.TP', `.B ${literal(term)}`, text(fullDescription)];
}

/** Whether an option is the command's own. Every command has --help, which is listed only once. */
function isOwn({ flags }: OptionNode): boolean {
  return !flags.includes('--help');
}

function fieldList({ title, entries }: FieldList): string[] {
  return [
    `.SS ${quoted(text(title))}`,
    ...entries.flatMap(([name, meaning]) => ['.TP', `.B ${literal(name)}`, text(meaning)]),
  ];
}

function examples({ command }: CommandNode): string[] {
  return manualOf(command).examples.flatMap(([commandLine, meaning]) => [
    '.TP',
    `.B ${literal(commandLine)}`,
    text(meaning),
  ]);
}

function section({ title, body }: (typeof MAN_SECTIONS)[number]): string[] {
  return [`.SH ${title}`].concat(paragraphs(body));
}

function paragraphs(lines: readonly string[]): string[] {
  return lines.flatMap((line) => ['.PP', text(line)]);
}

/** Escapes prose. troff would take a line that begins with a control character for a macro. */
function text(prose: string): string {
  return prose
    .replaceAll('\\', '\\e')
    .replaceAll('×', '\\(mu')
    .replaceAll(/(?<![\w-])-+(?=\w)/g, (dashes) => dashes.replaceAll('-', '\\-'))
    .replace(/^(?=[.'])/, '\\&');
}

/** Escapes text that people copy: its hyphens and quotes stay ASCII. */
function literal(code: string): string {
  return code
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha');
}

/** Quotes one argument of a macro. */
function quoted(argument: string): string {
  return `"${argument.replaceAll('"', '\\(dq')}"`;
}
