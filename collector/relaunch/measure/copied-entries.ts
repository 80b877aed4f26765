/**
 * Estimates how many page-table entries forks copied. The kernel does not count them. It counts the bytes of page tables,
 * but huge pages do not change that number: for each of them copy_huge_pmd puts a page table aside, which stays empty.
 * The estimate uses the share of huge pages in the spawner's memory. Reading it walks all that memory, so it is read
 * rarely.
 */
import type { SpawnEvent } from '../../model/events.ts';
import { tryReadText } from '../../system/files.ts';

/** A smaller spawner counts as if it had no huge page. */
const LARGE_BYTES = 16 << 20;

interface Share {
  /** What a fork copied when the share was read. */
  readonly copiedBytes: number;
  /** From 0 to 1. */
  readonly inHugePages: number;
}

export class CopiedEntries {
  readonly #pageBytes: number;
  readonly #hugePageBytes = hugePageBytes();
  /** By pid. */
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

  /** Undefined if the memory of a spawner could not be read before it ended. */
  get count(): number | undefined {
    return this.#isKnown ? Math.round(this.#count) : undefined;
  }

  /** Reads the share again only after the process has doubled in size. */
  #shareOf(pid: number, copiedBytes: number): number | undefined {
    if (copiedBytes < LARGE_BYTES) return 0;
    const known = this.#shares.get(pid);
    if (known && copiedBytes < 2 * known.copiedBytes) return known.inHugePages;
    const inHugePages = readShare(pid);
    if (inHugePages !== undefined) this.#shares.set(pid, { copiedBytes, inHugePages });
    return inHugePages;
  }
}

/** Gives undefined if the process has ended. */
function readShare(pid: number): number | undefined {
  const text = tryReadText(`/proc/${pid}/smaps_rollup`);
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const resident = kilobytes('Rss');
  return resident === 0 ? undefined : kilobytes('AnonHugePages') / resident;
}

const USUAL_HUGE_PAGE_BYTES = 2 << 20;

function hugePageBytes(): number {
  return Number(tryReadText('/sys/kernel/mm/transparent_hugepage/hpage_pmd_size')) || USUAL_HUGE_PAGE_BYTES;
}
