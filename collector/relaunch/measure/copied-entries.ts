/**
 * How many page-table entries forks copied. The kernel does not say: its count of page-table bytes stays the same on
 * huge pages, because it puts a page table aside for each of them (copy_huge_pmd), which nobody fills. So the spawner's
 * share of huge pages is read, seldom: reading it walks all its memory.
 */
import { readFileSync } from 'node:fs';
import type { SpawnEvent } from '../../model/events.ts';

/** Smaller ones are counted as if they had no huge page. */
const LARGE_BYTES = 16 << 20;

interface Share {
  readonly copiedBytes: number;
  readonly inHugePages: number;
}

export class CopiedEntries {
  readonly #pageBytes: number;
  readonly #hugePageBytes = hugePageBytes();
  /** By pid, as of a size. */
  readonly #shares = new Map<number, Share>();
  #count = 0;
  #isKnown = true;

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  add({ pid, mechanism, copiedRssBytes }: SpawnEvent): void {
    if (mechanism !== 'fork') return;
    const share = this.#shareOf(pid, copiedRssBytes);
    if (share === undefined) this.#isKnown = false;
    else
      this.#count += (copiedRssBytes * (1 - share)) / this.#pageBytes + (copiedRssBytes * share) / this.#hugePageBytes;
  }

  /** An estimate; undefined where a spawner was gone too soon. */
  get count(): number | undefined {
    return this.#isKnown ? Math.round(this.#count) : undefined;
  }

  /** Read anew only when the process has doubled. */
  #shareOf(pid: number, copiedBytes: number): number | undefined {
    if (copiedBytes < LARGE_BYTES) return 0;
    const known = this.#shares.get(pid);
    if (known && copiedBytes < 2 * known.copiedBytes) return known.inHugePages;
    const inHugePages = readShare(pid);
    if (inHugePages !== undefined) this.#shares.set(pid, { copiedBytes, inHugePages });
    return inHugePages;
  }
}

/** Of proc(5), /proc/PID/smaps_rollup. */
function readShare(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    const resident = kilobytes('Rss');
    return resident === 0 ? undefined : kilobytes('AnonHugePages') / resident;
  } catch {
    return undefined;
  }
}

function hugePageBytes(): number {
  try {
    return Number(readFileSync('/sys/kernel/mm/transparent_hugepage/hpage_pmd_size', 'latin1'));
  } catch {
    return 2 << 20;
  }
}
