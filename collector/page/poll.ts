/** Asks the collector for what is new, each second, while somebody sees the page. */
import type { HistoryAnswer } from '../serve/api/schema.ts';

const EVERY_MS = 1000;
const MAX_WAIT_MS = 10_000;

interface Options {
  readonly next: () => number;
  readonly onAnswer: (answer: HistoryAnswer) => void;
  readonly onTrouble: (message: string) => void;
}

export function poll({ next, onAnswer, onTrouble }: Options): void {
  let waitMs = EVERY_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && !isAsking) void ask();
  });
  void ask();

  async function ask(): Promise<void> {
    clearTimeout(timer);
    isAsking = true;
    try {
      onAnswer(await fetchHistory(next()));
      waitMs = EVERY_MS;
    } catch (error) {
      onTrouble((error as Error).message);
      waitMs = Math.min(MAX_WAIT_MS, waitMs * 2);
    }
    isAsking = false;
    if (!document.hidden) timer = setTimeout(() => void ask(), waitMs);
  }
}

async function fetchHistory(from: number): Promise<HistoryAnswer> {
  const response = await fetch(`api/v1/history?from=${from}`, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`the collector answers ${response.status}: ${(await response.text()).trim()}`);
  return response.json();
}
