/** `forktax serve` runs the exporter until a signal ends it. */
import { Command, Option } from '@commander-js/extra-typings';
import { DEFAULT_PORT } from '../model/address.ts';
import { environmentName, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from './config/settings.ts';
import type { OpenEngine } from '../measuring/open-engine.ts';
import { withManual } from '../terminal/manual.ts';
import { stopRequested } from '../terminal/stop.ts';

/** `openReplay` opens a recording, which is then served instead of this host. */
export function serveCommand(openReplay?: OpenEngine): Command {
  const command = new Command('serve')
    .summary('serve metrics for Prometheus')
    .description('Measures every process spawn and serves what they cost as metrics for Prometheus.');
  for (const name of SETTING_NAMES) command.addOption(optionOf(name));
  command
    .optionsGroup('Configuration:')
    .option('--config.file <file>', 'read settings from this YAML file')
    .option('--config.check', 'print the settings in force and exit')
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const { serve, showConfig } = await import('./serve.ts');
      const sources = {
        flags: flagsOf(command, options),
        environment: process.env,
        ...(typeof options['config.file'] === 'string' && { file: options['config.file'] }),
      };
      await (options['config.check']
        ? showConfig(sources)
        : serve(sources, stopRequested(['SIGINT', 'SIGTERM']), openReplay));
    });
  command.addHelpText('after', SOURCES);
  return withManual(command, {
    examples: [
      ['forktax serve', `on 127.0.0.1:${DEFAULT_PORT}`],
      [
        `forktax serve --web.listen-address=:${DEFAULT_PORT} --web.config.file=web.yml`,
        'on every address, with TLS and passwords',
      ],
      ['forktax serve --label=cgroup', 'with a label for the service or container'],
      ['forktax serve --config.file=forktax.yaml --config.check', 'print the settings in force'],
    ],
  });
}

const SOURCES = `
Where settings come from: the flag; if there is none, the environment; if there
is none, the file; and last the default. For example, --web.max-requests is
${environmentName('web.max-requests')} in the environment, and
"web: {max-requests: 40}" in the file. docs/configuration.md lists them all.

On SIGHUP, serve reads the web configuration again. It notifies systemd when it
is ready and that it is alive (Type=notify, WatchdogSec=).
`;

function optionOf(name: SettingName): Option {
  const setting: Setting = SETTINGS[name];
  const flags = setting.argument ? `--${name} <${setting.argument}>` : `--${name}`;
  const option = new Option(flags, `${setting.help}${notesOf(setting)}`).helpGroup(`${setting.group}:`);
  if (setting.repeatable) option.argParser((value, list: readonly string[] | undefined) => [...(list ?? []), value]);
  // Choices are for help and completion. They are checked together with those of files, so that both give one message.
  if (setting.choices) option.argChoices = [...setting.choices];
  return option;
}

/** Gives the notes with the default. Defaults are only shown here; they apply last, after file and environment. */
function notesOf({ fallback, repeatable }: Setting): string {
  const shown = fallback === undefined || fallback === false ? '' : String(fallback);
  const notes = [repeatable && 'repeatable', shown && `default ${shown}`].filter(Boolean);
  return notes.length > 0 ? ` (${notes.join('; ')})` : '';
}

/** Commander writes `web.max-requests` as `web.maxRequests`. */
function flagsOf(command: Command, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    command.options.map((option) => [option.long?.replace('--', '') ?? '', options[option.attributeName()]]),
  );
}
