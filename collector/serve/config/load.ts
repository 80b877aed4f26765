/** Settings from where they may come; the later wins: defaults, configuration file, environment, flags. */
import { stringify } from 'yaml';
import type { z } from 'zod';
import { ForktaxError } from '../../model/errors.ts';
import { configSchema, SCHEMA, type Config } from './schema.ts';
import { environmentName, isSettingName, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from './settings.ts';
import { listed } from './problems.ts';
import { suggest } from './suggest.ts';
import { isMapping, readYaml } from './yaml.ts';

interface Given {
  readonly name: SettingName;
  readonly value: unknown;
  /** For the message when the value is wrong. */
  readonly source: string;
}

export interface Sources {
  readonly flags: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly environment: NodeJS.ProcessEnv;
  /** The path that --config.file gives. */
  readonly file?: string;
}

/** @throws FORKTAX_CONFIG naming every wrong setting, also one that another source overrides */
export async function loadConfig({ flags, environment, file }: Sources): Promise<Config> {
  const path = file ?? (environment[environmentName('config.file')] || undefined);
  const given = [
    ...(path === undefined ? [] : fromFile(await readYaml(path, 'config.file'), path)),
    ...fromEnvironment(environment),
    ...fromFlags(flags),
  ];
  const values = new Map<SettingName, unknown>(SETTING_NAMES.map((name) => [name, fallbackOf(SETTINGS[name])]));
  const problems = [];
  for (const one of given) {
    if ('problem' in one) problems.push(one.problem);
    else {
      const { value, problem } = check(one);
      if (problem === undefined) values.set(one.name, value);
      else problems.push(problem);
    }
  }
  if (problems.length > 0) throw new ForktaxError('FORKTAX_CONFIG', listed(problems));
  return Object.freeze(configSchema.parse(Object.fromEntries(values)));
}

/** What is in force, in the form of a configuration file. */
export function formatConfig(config: Config): string {
  const tree: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) if (config[name] !== undefined) plant(tree, name.split('.'), config[name]);
  return stringify(tree);
}

function fallbackOf(setting: Setting): unknown {
  return setting.fallback;
}

function check({ name, value, source }: Given): { value?: unknown; problem?: string } {
  const schema: z.ZodType = SCHEMA[name];
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const message = result.error.issues[0]?.message ?? 'is wrong';
  return { problem: `${name} (${source}): ${message}, not ${JSON.stringify(value)}` };
}

function fromFlags(flags: Sources['flags']): Given[] {
  return SETTING_NAMES.filter((name) => flags[name] !== undefined).map((name) => ({
    name,
    value: flags[name],
    source: 'flag',
  }));
}

/** Only names of settings are looked at: Kubernetes sets others that begin alike for a service called forktax. */
function fromEnvironment(environment: NodeJS.ProcessEnv): Given[] {
  return SETTING_NAMES.flatMap((name) => {
    const source = environmentName(name);
    const value = environment[source];
    if (value === undefined || value === '') return [];
    const setting: Setting = SETTINGS[name];
    return { name, value: setting.repeatable ? value.split(/[\s,]+/).filter(Boolean) : value, source };
  });
}

interface Unusable {
  readonly problem: string;
}

function fromFile(tree: unknown, path: string, section = ''): (Given | Unusable)[] {
  if (!isMapping(tree)) return [{ problem: `${section || 'config.file'} (${path}): must hold settings by name` }];
  return Object.entries(tree).flatMap(([key, value]) => {
    const name = section ? `${section}.${key}` : key;
    if (isSettingName(name)) return { name, value, source: path };
    if (SETTING_NAMES.some((setting) => setting.startsWith(`${name}.`))) return fromFile(value, path, name);
    return unknownSetting(name, path);
  });
}

function unknownSetting(name: string, path: string): Unusable {
  const meant = suggest(name, SETTING_NAMES);
  const advice = meant ? `; did you mean ${meant}?` : '';
  return { problem: `${name} (${path}): there is no such setting${advice}` };
}

function plant(tree: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const below = tree[key];
  const branch = isMapping(below) ? { ...below } : {};
  plant(branch, rest, value);
  tree[key] = branch;
}
