/**
 * Every setting of `forktax serve`, once. Its name is its flag (`--web.max-requests`), with dots its path in the
 * configuration file, and in capitals its environment variable (`FORKTAX_WEB_MAX_REQUESTS`).
 * It imports almost nothing: the command line is built from it on every start.
 */
import { DEFAULT_PORT } from '../../model/address.ts';
import { DEFAULT_ENGINE_OPTIONS, ENGINE_FLAGS, LABEL_CHOICES } from '../../model/options.ts';
import { DEFAULT_METRIC_GROUPS, METRIC_GROUPS } from '../../model/metric-groups.ts';

export interface Setting {
  readonly group: 'Web' | 'Measuring' | 'Kubernetes' | 'Logs';
  /** What the flag takes; absent: it is a switch. */
  readonly argument?: string;
  readonly repeatable?: true;
  readonly choices?: readonly string[];
  /** Absent: not set. */
  readonly fallback?: string | number | boolean | readonly string[];
  readonly help: string;
}

export const SETTINGS = {
  'web.listen-address': {
    group: 'Web',
    argument: 'address',
    repeatable: true,
    fallback: [`127.0.0.1:${DEFAULT_PORT}`],
    help: 'where to listen: host:port, [address]:port, or :port for every address',
  },
  'web.systemd-socket': {
    group: 'Web',
    fallback: false,
    help: 'listen on the sockets that systemd passes, instead of web.listen-address',
  },
  'web.telemetry-path': {
    group: 'Web',
    argument: 'path',
    fallback: '/metrics',
    help: 'the URL path of the metrics',
  },
  'web.config.file': {
    group: 'Web',
    argument: 'file',
    help: "TLS, authentication and headers, in the exporter-toolkit's format",
  },
  'web.allowed-hosts': {
    group: 'Web',
    argument: 'host',
    repeatable: true,
    fallback: [],
    help: 'a name by which clients may call this collector, besides addresses, localhost and the name of the host; .example.com means all names below it, * means any. Not needed with TLS or passwords',
  },
  'web.max-requests': {
    group: 'Web',
    argument: 'number',
    fallback: 40,
    help: 'how many pages may be sent at the same time, a quarter of them to one address; 0 means no limit',
  },
  'web.disable-exporter-metrics': {
    group: 'Web',
    fallback: false,
    help: 'leave out the metrics of the exporter process (process_*, nodejs_*)',
  },
  'web.disable-page': {
    group: 'Web',
    fallback: false,
    help: 'serve links instead of the live page at /, and keep no history for it (/api/v1/history)',
  },
  'web.enable-sites': {
    group: 'Web',
    fallback: false,
    help: 'show which code spawns on the page at / (/api/v1/sites). It keeps a process that may read the files and memory maps of all others, and copies stacks while somebody asks',
  },
  metrics: {
    group: 'Measuring',
    argument: 'groups',
    fallback: DEFAULT_METRIC_GROUPS,
    help: `which metrics of spawn costs to show, besides their number: all, or of ${METRIC_GROUPS.join(', ')}, separated by commas`,
  },
  label: {
    group: 'Measuring',
    argument: 'label',
    choices: LABEL_CHOICES,
    fallback: DEFAULT_ENGINE_OPTIONS.label,
    help: 'add this label to every metric of spawn costs; container adds pod and namespace too, pod adds namespace',
  },
  'kubelet.url': {
    group: 'Kubernetes',
    argument: 'url',
    help: 'ask this kubelet for the names of pods and containers, such as https://127.0.0.1:10250',
  },
  'kubelet.token-file': {
    group: 'Kubernetes',
    argument: 'file',
    help: 'bearer token for the kubelet, such as /var/run/secrets/kubernetes.io/serviceaccount/token',
  },
  'kubelet.ca-file': {
    group: 'Kubernetes',
    argument: 'file',
    help: "certificates that the kubelet's own must be signed by",
  },
  'kubelet.insecure-skip-verify': {
    group: 'Kubernetes',
    fallback: false,
    help: 'take any certificate of the kubelet; by default it is signed by the kubelet itself',
  },
  'name-by': { group: 'Measuring', ...ENGINE_FLAGS['name-by'] },
  'max-spawners': {
    group: 'Measuring',
    argument: 'rows',
    fallback: DEFAULT_ENGINE_OPTIONS.maxSpawners,
    help: 'how many rows the table of spawn costs has; costs that find no row are charged to "(other)"',
  },
  'max-processes': {
    group: 'Measuring',
    argument: 'number',
    fallback: DEFAULT_ENGINE_OPTIONS.maxProcesses,
    help: 'how many children, and how many calling threads, are followed at once; takes 400 bytes of kernel memory for each',
  },
  pin: {
    group: 'Measuring',
    argument: 'folder',
    help: 'keep counting while the collector is not running: maps and programs stay in this folder of a BPF filesystem, such as /sys/fs/bpf/forktax, until it is removed',
  },
  engine: { group: 'Measuring', ...ENGINE_FLAGS.engine },
  'call-hook': { group: 'Measuring', ...ENGINE_FLAGS['call-hook'] },
  'without-hook': {
    group: 'Measuring',
    argument: 'hook',
    repeatable: true,
    fallback: [],
    help: 'do not attach this hook; the metrics that it feeds are absent',
  },
  comm: {
    group: 'Measuring',
    argument: 'name',
    help: 'measure only spawners of this name: that of the process or of its executable, as name-by says',
  },
  pid: {
    group: 'Measuring',
    argument: 'pid',
    help: 'measure only this process',
  },
  cgroup: {
    group: 'Measuring',
    argument: 'path',
    help: 'measure only spawners in this cgroup (path or id), not those in cgroups below it',
  },
  'log.level': {
    group: 'Logs',
    argument: 'level',
    choices: ['debug', 'info', 'warn', 'error'],
    fallback: 'info',
    help: 'the least severe level that is logged',
  },
  'log.format': {
    group: 'Logs',
    argument: 'format',
    choices: ['logfmt', 'json'],
    fallback: 'logfmt',
    help: 'the format of the log, which goes to standard error',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES: readonly SettingName[] = Object.keys(SETTINGS).filter(isSettingName);

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

export function environmentName(name: SettingName | 'config.file'): string {
  return `FORKTAX_${name.replaceAll(/[.-]/g, '_').toUpperCase()}`;
}
