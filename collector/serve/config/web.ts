/** `--web.config.file`: TLS, authentication, headers. The format is exporter-toolkit's, so one file serves every exporter. */
import { X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { ForktaxError } from '../../model/errors.ts';
import { readRegularFile } from '../../system/files.ts';
import { listed } from './problems.ts';
import { suggest } from './suggest.ts';
import { contextOptions } from './tls.ts';
import { readYaml } from './yaml.ts';

const SETTING = 'web.config.file';
const MOST_PEM_BYTES = 1 << 20;

const CLIENT_AUTH_TYPES = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
const TLS_VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'] as const;

const bcryptHash = z
  .string()
  .regex(/^\$2[aby]\$\d\d\$[./A-Za-z\d]{53}$/, { error: 'must be a bcrypt hash (htpasswd -nBC 10 "")', abort: true })
  // bcrypt has no cost below 4. One more doubles the time: 14 takes a second, 31 takes a day.
  .refine((hash) => Number(hash.slice(4, 6)) >= 4 && Number(hash.slice(4, 6)) <= 14, {
    error: 'must have a bcrypt cost from 4 to 14 (the number after $2y$)',
  });

/** Go's notation of durations. */
const milliseconds = z.union([z.literal(0).transform(() => '0s'), z.string()]).transform((text, context) => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = match && { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? ''];
  if (unit) return Number(match[1]) * unit;
  context.addIssue({ code: 'custom', message: 'must be a duration such as 100ms or 1s' });
  return z.NEVER;
});

const tlsSchema = z
  .strictObject({
    cert: z.string().optional(),
    key: z.string().optional(),
    client_ca: z.string().optional(),
    cert_file: z.string().optional(),
    key_file: z.string().optional(),
    client_ca_file: z.string().optional(),
    client_auth_type: z.enum(CLIENT_AUTH_TYPES).default('NoClientCert'),
    client_allowed_sans: z.array(z.string()).default([]),
    min_version: z.enum(TLS_VERSIONS).default('TLS12'),
    max_version: z.enum(TLS_VERSIONS).default('TLS13'),
    cipher_suites: z.array(z.string()).default([]),
    prefer_server_cipher_suites: z.boolean().default(true),
    curve_preferences: z.array(z.string()).default([]),
  })
  .check((context) => {
    const problem = tlsProblem(context.value);
    if (problem) context.issues.push({ code: 'custom', message: problem, input: context.value });
  });

const webSchema = z.strictObject({
  tls_server_config: tlsSchema.optional(),
  http_server_config: z
    .strictObject({
      http2: z.boolean().optional(),
      headers: z
        .strictObject({
          'Content-Security-Policy': z.string().optional(),
          'X-Frame-Options': z.enum(['deny', 'sameorigin', '']).optional(),
          'X-Content-Type-Options': z.enum(['nosniff', '']).optional(),
          'X-XSS-Protection': z.string().optional(),
          'Strict-Transport-Security': z.string().optional(),
        })
        .default({}),
    })
    .default({ headers: {} }),
  basic_auth_users: z.record(z.string(), bcryptHash).nullish(),
  rate_limit: z.strictObject({ interval: milliseconds, burst: z.int().min(0).default(0) }).optional(),
});

type TlsSettings = z.output<typeof tlsSchema>;

export interface TlsConfig extends TlsSettings {
  readonly certificate: string;
  readonly privateKey: string;
  readonly clientCa: string | undefined;
}

export interface WebConfig {
  readonly tls: TlsConfig | undefined;
  /** User → bcrypt hash; empty: no password is asked for. */
  readonly users: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string>>;
  readonly rateLimit: { readonly interval: number; readonly burst: number } | undefined;
  /** What works, and should not stay so: sentences without their stop. */
  readonly warnings: readonly string[];
  /** Changes when one of the files does. */
  readonly version: string;
  readonly files: readonly string[];
}

export const OPEN_WEB_CONFIG: WebConfig = {
  tls: undefined,
  users: new Map(),
  headers: {},
  rateLimit: undefined,
  warnings: [],
  version: '',
  files: [],
};

/** @throws FORKTAX_CONFIG naming the key in the file. Paths in it are relative to its folder. */
export async function loadWebConfig(path: string, now = Date.now()): Promise<WebConfig> {
  const result = webSchema.safeParse(await readYaml(path, SETTING));
  if (!result.success) throw wrong(path, explain(result.error));
  const { tls_server_config: tls, http_server_config: http, basic_auth_users: users, rate_limit } = result.data;
  const files = [path, ...filesOf(tls).map((file) => resolve(dirname(path), file))];
  // Before they are read: a change in between is then seen later.
  const version = await versionOf(files);
  const certificates = tls && (await readCertificates(tls, path));
  return {
    tls: certificates,
    users: new Map(Object.entries(users ?? {})),
    headers: headersOf(http.headers),
    rateLimit: rate_limit,
    warnings: certificates ? await warningsOf(certificates, path, now) : [],
    version,
    files,
  };
}

/** Tells what is on disk from what was there before; an absent file has a version too. */
export async function versionOf(files: readonly string[]): Promise<string> {
  const versions = files.map(async (file) => {
    const stats = await stat(file, { bigint: true }).catch(() => undefined);
    return stats ? `${stats.ino}:${stats.size}:${stats.mtimeNs}` : 'absent';
  });
  return (await Promise.all(versions)).join(' ');
}

/** A blank header is not sent. */
function headersOf(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

function filesOf(tls: TlsSettings | undefined): string[] {
  return [tls?.cert_file, tls?.key_file, tls?.client_ca_file].filter((file) => file !== undefined);
}

async function readCertificates(tls: TlsSettings, path: string): Promise<TlsConfig> {
  const read = async (key: 'cert' | 'key' | 'client_ca') => {
    const file = tls[`${key}_file`];
    if (file === undefined) return tls[key];
    const bytes = readRegularFile(resolve(dirname(path), file), MOST_PEM_BYTES);
    return bytes.then(String, (error: Error) => {
      throw wrong(path, `tls_server_config.${key}_file: ${error.message}`);
    });
  };
  const [certificate = '', privateKey = '', clientCa] = [
    await read('cert'),
    await read('key'),
    await read('client_ca'),
  ];
  const config = { ...tls, certificate, privateKey, clientCa };
  try {
    createSecureContext(contextOptions(config));
  } catch (cause) {
    throw wrong(path, `tls_server_config: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  return config;
}

async function warningsOf(tls: TlsConfig, path: string, now: number): Promise<string[]> {
  const keyFile = tls.key_file === undefined ? path : resolve(dirname(path), tls.key_file);
  const stats = await stat(keyFile).catch(() => undefined);
  const isOpen = stats !== undefined && (stats.mode & 0o007) !== 0;
  return [
    ...validityWarnings(new X509Certificate(tls.certificate), now),
    ...(isOpen ? [`every user of this host can read the private key in ${keyFile}; chmod o= ${keyFile}`] : []),
  ];
}

function validityWarnings({ validFrom, validTo }: X509Certificate, now: number): string[] {
  if (Date.parse(validTo) < now) return [`the certificate has expired: it was valid until ${validTo}`];
  if (Date.parse(validFrom) > now) return [`the certificate is not valid yet: it will be from ${validFrom}`];
  return [];
}

function tlsProblem(tls: TlsSettings): string | undefined {
  for (const key of ['cert', 'key'] as const) {
    const given = [tls[key], tls[`${key}_file`]].filter((value) => value !== undefined).length;
    if (given !== 1) return `must have one of ${key} and ${key}_file`;
  }
  if (tls.client_ca !== undefined && tls.client_ca_file !== undefined) {
    return 'must have at most one of client_ca and client_ca_file';
  }
  return clientProblem(tls);
}

function clientProblem(tls: TlsSettings): string | undefined {
  const type = tls.client_auth_type;
  const hasCa = (tls.client_ca ?? tls.client_ca_file) !== undefined;
  if (hasCa && type === 'NoClientCert') return 'has a client CA, but client_auth_type is NoClientCert';
  if (tls.client_allowed_sans.length > 0 && !type.startsWith('Require')) {
    return 'has client_allowed_sans, which need client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert';
  }
  return undefined;
}

function explain({ issues }: z.ZodError): string {
  return listed(issues.flatMap(problemsOf));
}

function problemsOf(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [path ? `${path}: ${issue.message}` : issue.message];
  return issue.keys.map((key) => {
    const unknown = [...issue.path, key].join('.');
    const meant = suggest(unknown, KEYS);
    return `${unknown}: there is no such key${meant ? `; did you mean ${meant}?` : ''}`;
  });
}

function wrong(path: string, problem: string, cause?: unknown): ForktaxError {
  return new ForktaxError('FORKTAX_CONFIG', `${SETTING} (${path}): ${problem}`, { cause });
}

const KEYS: readonly string[] = [
  ...Object.keys(webSchema.shape),
  ...Object.keys(tlsSchema.shape).map((key) => `tls_server_config.${key}`),
  'http_server_config.http2',
  'http_server_config.headers',
  'rate_limit.interval',
  'rate_limit.burst',
];
