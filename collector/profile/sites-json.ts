/** The NDJSON records of `forktax sites --json`: one for each call site, the costliest first, then a summary. */
import { NO_STACK, sumOfSites, type CallSite, type SiteCosts } from '../model/call-sites.ts';
import { STACK_ENDS, type Frame } from '../model/frames.ts';
import type { Collected } from './collect.ts';

const SCHEMA = 1;
const ends = Object.entries({ ...STACK_ENDS, ...NO_STACK }).map(([name, meaning]) => `${name} (${meaning})`);

export const SITE_FIELDS = {
  schema: `version of these fields: ${SCHEMA}`,
  type: 'site',
  comm: 'name of the spawner',
  spawns: 'how many spawns this call stack made',
  failed_spawns: 'how many of its calls failed; nothing else counts them',
  stall_sum_ns: 'nanoseconds that callers stood still',
  copied_rss_bytes: 'resident bytes that were copied',
  avoidable_stall_ns: 'the part of stall_sum_ns beyond the cost of afork, of spawns whose child called exec',
  end: `how the stack ends: ${ends.join(', ')}`,
  frames:
    'the call stack, innermost first: for each frame function, file, line, module (the mapped file), build_id, offset ' +
    '(in the module), address (only without a module), inlined, and how it was found; script: the script told it',
} as const;

export const SITES_SUMMARY_FIELDS = {
  schema: 'as above',
  type: 'summary',
  spawns: 'how many spawns there were',
  failed_spawns: 'how many calls failed',
  stall_sum_ns: 'nanoseconds that callers stood still',
  copied_rss_bytes: 'resident bytes that were copied',
  avoidable_stall_ns: 'as above',
  duration_ns: 'nanoseconds that were measured',
  not_sampled: 'how many calls have no stack',
  over_limit:
    'how many of them because more than --stacks-per-second were made in a second; may include other spawners',
  ring_full: 'how many because the buffer was full',
  unreadable: 'how many because nothing of the stack was in memory',
  scripts_lost: 'call sites of scripts that found no room or could not be read',
  events_lost: 'events that the kernel dropped because its buffer was full: with any, spawns are missing',
} as const;

type Fields<T> = Record<Exclude<keyof T, 'schema' | 'type'>, unknown>;

export function* siteRecords(collected: Collected): Generator<object> {
  for (const site of collected.sites) yield { schema: SCHEMA, type: 'site', ...siteRecord(site) };
  yield { schema: SCHEMA, type: 'summary', ...summaryRecord(collected) };
}

export function siteRecord(site: CallSite): Fields<typeof SITE_FIELDS> {
  return { comm: site.comm, ...costs(site), end: site.end, frames: site.frames.map(frameRecord) };
}

export function summaryRecord(collected: Collected): Fields<typeof SITES_SUMMARY_FIELDS> {
  const { sites, durationNs, losses, eventsLost, scriptsLost } = collected;
  const unsampled = sumOfSites(sites.filter(({ end }) => end === 'not-sampled'));
  return {
    ...costs(sumOfSites(sites)),
    duration_ns: Math.round(durationNs),
    not_sampled: unsampled.spawns + unsampled.failures,
    over_limit: losses.overLimit,
    ring_full: losses.ringFull,
    unreadable: losses.unreadable,
    scripts_lost: scriptsLost,
    events_lost: eventsLost,
  };
}

const costs = ({ spawns, failures, stallNs, copiedBytes, avoidableNs }: SiteCosts) => ({
  spawns,
  failed_spawns: failures,
  stall_sum_ns: stallNs,
  copied_rss_bytes: copiedBytes,
  avoidable_stall_ns: avoidableNs,
});

/** Addresses are of one process; the place in a module is the same in all. */
function frameRecord({ address, how, module, buildId, offset, symbol, inlined, file, line }: Frame): object {
  return {
    ...(symbol !== undefined && { function: symbol }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(module !== undefined && { module }),
    ...(module === undefined && how !== 'script' && { address: `0x${address.toString(16)}` }),
    ...(buildId !== undefined && { build_id: buildId }),
    ...(offset !== undefined && { offset }),
    ...(inlined && { inlined }),
    how,
  };
}
