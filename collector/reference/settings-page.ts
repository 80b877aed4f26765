import { DEFAULT_PORT } from '../model/address.ts';
import { markdownTable } from './markdown.ts';
import { environmentName, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from '../serve/config/settings.ts';

/** Writes docs/configuration.md. */
export function configurationPage(): string {
  return `<!-- Generated from collector/serve/config/ by scripts/generate-docs.ts: do not edit. -->

# Configuration

\`forktax serve\` works without any. It listens on loopback only, port ${DEFAULT_PORT}: the range that exporters use by
custom, 9100 to 9999, is full, and no exporter is known to use this one. (\`clone3\`, the newest of the system calls measured
here, is number 435.)

## Settings

A setting comes from its flag; else from the environment; else from the file that \`--config.file\` or
\`${environmentName('config.file')}\` names; else it has its default. A wrong or unknown setting is an error that names it,
wherever it stands. \`forktax serve --config.check\` prints the settings in force, in the form of the file, and exits.

${markdownTable(['flag', 'environment', 'default', 'what'], SETTING_NAMES.map(line))}

Flags marked with + may be repeated. In the environment their values are separated by commas or spaces, in the file they are
a list. The dots of a flag's name are its path in the file:

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

\`--web.config.file\` takes the file that every Prometheus exporter takes, in the
[exporter-toolkit's format](https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md), all keys of it:

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

Paths in it are relative to its folder. It and the files that it names are read again within two seconds of a change; what is
then wrong is logged, and what was in force stays so. By then forktax has given
up its capabilities: a file that only a root with \`CAP_DAC_OVERRIDE\` may read is read at the start and never again.
Switching TLS on or off, or changing \`client_auth_type\`, needs a
restart. \`http2\` is accepted and changes nothing: HTTP/1.1 is spoken.

## Paths

${markdownTable(['path', 'what'], PATHS)}
`;
}

const PATHS = [
  ['`/metrics`', 'metrics: `docs/metrics.md`. Moved by `--web.telemetry-path`'],
  ['`/`', 'a page that links to the others'],
  ['`/-/healthy`', '200 while the process answers'],
  ['`/-/ready`', '200 while spawns are measured, else 503'],
  ['`/api/v1/costs`', 'the table of spawn costs as JSON'],
  ['`/api/v1/events`', 'spawns, execs, failures and exits as they happen, as server-sent events'],
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
