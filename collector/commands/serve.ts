/** `forktax serve`: the exporter, until a signal ends it. */
import { Command, Option } from '@commander-js/extra-typings';
import { environmentName, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../config/settings.ts';
import { stopRequested } from '../terminal/stop.ts';

export function serveCommand(): Command {
  const command = new Command('serve')
    .summary('serve metrics for Prometheus')
    .description('Measures every process spawn and serves what they cost as metrics for Prometheus.');
  for (const name of SETTING_NAMES) command.addOption(optionOf(name));
  command
    .optionsGroup('Configuration:')
    .option('--config.file <file>', `read settings from this YAML file [${environmentName('config.file')}]`)
    .option('--config.check', 'print the settings in force and exit')
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const { serve, showConfig } = await import('../http/serve.ts');
      const sources = {
        flags: flagsOf(command, options),
        environment: process.env,
        ...(typeof options['config.file'] === 'string' && { file: options['config.file'] }),
      };
      await (options['config.check'] ? showConfig(sources) : serve(sources, stopRequested()));
    });
  return command;
}

function optionOf(name: SettingName): Option {
  const setting: Setting = SETTINGS[name];
  const flags = setting.argument ? `--${name} <${setting.argument}>` : `--${name}`;
  const option = new Option(flags, `${setting.help}${notesOf(name, setting)}`).helpGroup(`${setting.group}:`);
  if (setting.repeatable) option.argParser((value, list: readonly string[] | undefined) => [...(list ?? []), value]);
  return option;
}

/** Choices and defaults are said here and checked with those of files, so that both give one message. */
function notesOf(name: SettingName, { choices, fallback, repeatable }: Setting): string {
  const notes = [
    choices?.join(', '),
    repeatable && 'repeatable',
    fallback !== undefined && fallback !== false && String(fallback) && `default ${String(fallback)}`,
  ].filter((note) => note);
  return `${notes.length > 0 ? ` (${notes.join('; ')})` : ''} [${environmentName(name)}]`;
}

/** Commander writes `web.max-requests` as `web.maxRequests`. */
function flagsOf(command: Command, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    command.options.map((option) => [option.long?.replace('--', '') ?? '', options[option.attributeName()]]),
  );
}
