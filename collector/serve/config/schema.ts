/** What the value of each setting may be, from the configuration file, the environment or a flag alike. */
import { z } from 'zod';
import { parseAddress } from './address.ts';
import { METRIC_GROUPS } from '../../model/metric-groups.ts';
import { SETTINGS, type SettingName } from './settings.ts';

// Flags and the environment give everything as text.
const numberFromText = (raw: unknown) => (typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw);
const booleanFromText = (raw: unknown) => (raw === 'true' || raw === 'false' ? raw === 'true' : raw);
const textFromNumber = (raw: unknown) => (typeof raw === 'number' ? String(raw) : raw);
const groupsFromText = (raw: unknown) => {
  if (raw === 'all') return METRIC_GROUPS;
  return typeof raw === 'string' ? raw.split(',').map((name) => name.trim()) : raw;
};
const listFromOne = (raw: unknown) => (typeof raw === 'string' ? [raw] : raw);

function wholeNumber(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.preprocess(numberFromText, z.int({ error }).min(least, { error }).max(most, { error }));
}

function oneOf<const T extends readonly string[]>(choices: T) {
  return z.enum(choices, { error: `must be one of ${choices.join(', ')}` });
}

const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });
const address = text.refine((value) => parseAddress(value) !== undefined, {
  error: 'must be host:port, [address]:port or :port',
});
const path = text.regex(/^\/[\w.~/-]*$/, { error: 'must be a path that begins with /' }).refine(isFree, {
  error: 'must not lie below /-/ or /api/, where other things are',
});
const hostName = text.regex(/^(\*|\.?[\w-]+(\.[\w-]+)*)$/, { error: 'must be a name without a port, .domain or *' });
const comm = text.refine((value) => Buffer.byteLength(value) <= 15, {
  error: 'must have at most 15 bytes: the kernel cuts the names of processes there',
});

export const SCHEMA = {
  'web.listen-address': z.preprocess(
    listFromOne,
    z.array(address, { error: 'must be a list of addresses' }).min(1, { error: 'must name an address' }),
  ),
  'web.systemd-socket': z.preprocess(booleanFromText, z.boolean({ error: 'must be true or false' })),
  'web.telemetry-path': path,
  'web.config.file': text.optional(),
  'web.allowed-hosts': z.preprocess(listFromOne, z.array(hostName, { error: 'must be a list of names' })),
  'web.max-requests': wholeNumber(0, 1_000_000),
  'web.disable-exporter-metrics': z.preprocess(booleanFromText, z.boolean({ error: 'must be true or false' })),
  metrics: z.preprocess(groupsFromText, z.array(oneOf(METRIC_GROUPS), { error: 'must be a list of groups' })),
  'web.disable-page': z.preprocess(booleanFromText, z.boolean({ error: 'must be true or false' })),
  'web.enable-sites': z.preprocess(booleanFromText, z.boolean({ error: 'must be true or false' })),
  label: oneOf(SETTINGS.label.choices),
  'kubelet.url': text.regex(/^https?:\/\//, { error: 'must be a URL that begins with http:// or https://' }).optional(),
  'kubelet.token-file': text.optional(),
  'kubelet.ca-file': text.optional(),
  'kubelet.insecure-skip-verify': z.preprocess(booleanFromText, z.boolean({ error: 'must be true or false' })),
  'name-by': oneOf(SETTINGS['name-by'].choices),
  'max-spawners': wholeNumber(1, 1_000_000),
  'max-processes': wholeNumber(64, 4_194_304),
  pin: z.string({ error: 'must be a path' }).regex(/^\//, { error: 'must be an absolute path' }).optional(),
  engine: oneOf(SETTINGS.engine.choices),
  'call-hook': oneOf(SETTINGS['call-hook'].choices),
  'without-hook': z.preprocess(listFromOne, z.array(text, { error: 'must be a list of hooks' })),
  comm: comm.optional(),
  pid: wholeNumber(1, 4_194_304).optional(),
  cgroup: z.preprocess(textFromNumber, text).optional(),
  'log.level': oneOf(SETTINGS['log.level'].choices),
  'log.format': oneOf(SETTINGS['log.format'].choices),
} satisfies Record<SettingName, z.ZodType>;

export const configSchema = z.object(SCHEMA);

export type Config = Readonly<z.output<typeof configSchema>>;

function isFree(value: string): boolean {
  return !/^\/(-|api)(\/|$)/.test(value);
}
