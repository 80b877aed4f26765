import { DEFAULT_PORT } from '../model/address.ts';
import { markdownTable } from './markdown.ts';
import { environmentName, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../serve/config/settings.ts';

/** Writes docs/configuration.md. */
export function configurationPage(): string {
  return `<!-- Generated from collector/serve/config/ by scripts/generate-docs.ts: do not edit. -->

# Configuration

\`forktax serve\` works without any configuration. It listens on loopback only, on port ${DEFAULT_PORT}. The range that exporters
usually take, 9100 to 9999, is full, and no other exporter is known to use this port. (\`clone3\`, the newest of the measured
system calls, has the number 435.)

## Settings

The value of a setting comes from the first of these places that has one:

1. its flag
2. its environment variable
3. the file that \`--config.file\` or \`${environmentName('config.file')}\` names
4. its default

A wrong or unknown setting in any of them is an error that names the setting. \`forktax serve --config.check\` prints the
settings in force, in the format of the file, and exits.

${markdownTable(['flag', 'environment', 'default', 'what'], SETTING_NAMES.map(line))}

Flags marked with + may be repeated. In the environment, commas or spaces separate their values; in the file, they are a
list. The dots in the name of a flag separate the parts of its path in the file:

\`\`\`yaml
web:
  listen-address: ['127.0.0.1:${DEFAULT_PORT}', '[::1]:${DEFAULT_PORT}']
  config:
    file: /etc/forktax/web.yml
label: cgroup
max-spawners: 2048
log:
  level: warn
\`\`\`

## TLS and passwords

\`--web.config.file\` takes the same file as every Prometheus exporter. It supports all keys of the
[exporter-toolkit's format](https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md):

\`\`\`yaml
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  # Only clients with a certificate of this CA:
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
basic_auth_users:
  # htpasswd -nBC 10 prometheus
  prometheus: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG
\`\`\`

- Paths in the file are relative to its folder.
- Within two seconds of a change, the file and the files that it names are read again. If they have an error, it is logged,
  and the settings in force stay.
- Hazard: by then forktax has given up its capabilities. A file that only root with \`CAP_DAC_OVERRIDE\` may read is read at the
  start and never again.
- Switching TLS on or off, and changing \`client_auth_type\`, need a restart.
- \`http2\` is accepted and has no effect. The server speaks HTTP/1.1.

## Paths

${markdownTable(['path', 'what'], PATHS)}
`;
}

const PATHS = [
  ['`/metrics`', 'metrics: `docs/metrics.md`. Moved by `--web.telemetry-path`'],
  ['`/`', 'the live page; with `--web.disable-page`, links to the others'],
  ['`/-/healthy`', '200 while the process answers'],
  ['`/-/ready`', '200 while spawns are measured, else 503'],
  ['`/api/v1/costs`', 'the table of spawn costs as JSON'],
  ['`/api/v1/history`', 'the last 15 minutes second by second; not there with `--web.disable-page`'],
  ['`/api/v1/events`', 'spawns, execs, failures and exits as they happen, as server-sent events'],
  ['`/api/v1/schema`', 'the JSON Schema of these answers; [the API](api.md) has it as tables'],
] as const;

function line(name: SettingName): string[] {
  const setting: Setting = SETTINGS[name];
  const shown = setting.fallback === undefined ? '' : String(setting.fallback);
  return [
    `\`--${name}\`${setting.repeatable ? ' +' : ''}`,
    `\`${environmentName(name)}\``,
    shown && `\`${shown}\``,
    setting.choices ? `${setting.help} (${setting.choices.join(', ')})` : setting.help,
  ];
}
