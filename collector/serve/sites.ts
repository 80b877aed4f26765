/**
 * What `/api/v1/sites` asks. The unwinder runs from the start: it has the capabilities that reading the memory maps of other
 * processes needs, and the collector itself gives all of its own up.
 */
import { readFileSync } from 'node:fs';
import { collect } from '../profile/collect.ts';
import { ForktaxError } from '../model/errors.ts';
import type { Engine } from '../model/engine.ts';
import { DEFAULT_ENGINE_OPTIONS, DEFAULT_STACK_OPTIONS } from '../model/options.ts';
import { ScriptSites } from '../system/script-sites.ts';
import { openUnwinder, type Unwinder } from '../system/unwinder.ts';
import type { SiteProfiler } from './http/sites.ts';

/** An answer has at most so many call sites, and one more for each spawner. */
const MOST_SITES = 1000;
/** A damaged file may end the unwinder. Without capabilities, no other can be started later. */
const SPARE_UNWINDERS = 3;

const NEEDED = { CAP_DAC_READ_SEARCH: 2n, CAP_SYS_PTRACE: 19n } as const;

/**
 * Call it before capabilities are dropped.
 * @throws FORKTAX_NO_UNWINDER, FORKTAX_SITES
 */
export function openSiteUnwinder(): Unwinder {
  const unwinder = openUnwinder({ spares: SPARE_UNWINDERS });
  try {
    // Not at a low priority: on a busy host, more short-lived spawners would have ended before their memory map is read.
    for (const pid of unwinder.pids()) requireCapabilities(pid);
    return unwinder;
  } catch (error) {
    unwinder.close();
    throw error;
  }
}

function requireCapabilities(pid: number): void {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const missing = Object.entries(NEEDED).filter(([, bit]) => ((held >> bit) & 1n) === 0n);
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name).join(' and ');
  throw new ForktaxError('FORKTAX_SITES', `web.enable-sites: the memory maps of other processes need ${names}`);
}

export function createSiteProfiler(engine: Engine, unwinder: Unwinder): SiteProfiler {
  return {
    perSecond: DEFAULT_STACK_OPTIONS.perSecond,
    async collect(durationNs, stop) {
      if (!unwinder.isAlive())
        throw new ForktaxError('FORKTAX_NO_UNWINDER', 'the unwinder has ended too often; restart the collector');
      const scripts = listen();
      try {
        const settings = { duration: durationNs, aforkCostNs: DEFAULT_ENGINE_OPTIONS.aforkCostNs };
        const heard = 'unheard' in scripts ? undefined : scripts;
        const collected = await collect(engine, unwinder, { ...settings, mostSites: MOST_SITES, scripts: heard }, stop);
        return { ...collected, ...('unheard' in scripts && { scriptsUnheard: scripts.unheard }) };
      } finally {
        if (!('unheard' in scripts)) scripts.close();
      }
    },
  };
}

/** Programs write only while somebody listens. Without scripts, all else is measured. */
function listen(): ScriptSites | { readonly unheard: string } {
  try {
    return ScriptSites.open('host');
  } catch (error) {
    if (!(error instanceof ForktaxError)) throw error;
    return { unheard: error.message };
  }
}
