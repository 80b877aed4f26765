/** The tables, read for many at once: everybody who asks before a reading begins is served from it. */

/** A time of performance.now(), in milliseconds. */
type Moment = number;

export interface Taken {
  /** When its reading began. */
  readonly begunAt: Moment;
}

/** The least time from the end of one reading to the beginning of the next. */
const REST_MS = 200;

export interface Readings<T extends Taken> {
  /** One reading that began at `since` or later: the last one, or one that is taken as soon as may be. */
  readonly take: (since: Moment) => Promise<T>;
  /** Until it is disposed, the last reading stays, for whoever has asked and cannot be served yet. */
  readonly hold: () => Disposable;
}

/** For answers that no two questions share: each question has a reading of its own. */
export const UNSHARED: Readings<Taken> = {
  take: async () => ({ begunAt: performance.now() }),
  hold: () => ({ [Symbol.dispose]() {} }),
};

/**
 * `read` never runs twice at a time, rests `restMs` between two runs, and rests at least as long as it ran: readers
 * however many take no more than half of the time. Nobody gets a reading that is older than the question.
 */
export function createReadings<T extends Taken>(read: () => Promise<T>, restMs = REST_MS): Readings<T> {
  let last: T | undefined;
  let next: Promise<T> | undefined;
  let underWay: Promise<unknown> = Promise.resolve();
  let restUntil: Moment = -Infinity;
  let holders = 0;

  return {
    async take(since) {
      if (last && last.begunAt >= since) return last;
      next ??= takeNext();
      return next;
    },
    hold() {
      holders++;
      return { [Symbol.dispose]: () => holders-- };
    },
  };

  async function takeNext(): Promise<T> {
    await underWay.catch(() => {});
    await passed(restUntil);
    // Who asks from now on may have seen what this reading will not hold.
    const reading = read();
    underWay = reading;
    next = undefined;
    const begunAt = performance.now();
    try {
      last = await reading;
      forgetLater(last);
      return last;
    } finally {
      const endedAt = performance.now();
      restUntil = endedAt + Math.max(restMs, endedAt - begunAt);
    }
  }

  /** An exporter at rest holds no page of its last scrape. */
  function forgetLater(reading: T): void {
    setTimeout(() => {
      if (last !== reading) return;
      if (holders > 0) forgetLater(reading);
      else last = undefined;
    }, restMs).unref();
  }
}

/** Lets others run in any case, so that requests that came together are served together. */
async function passed(moment: Moment): Promise<void> {
  const leftMs = moment - performance.now();
  await new Promise<void>((resolve) => (leftMs > 0 ? setTimeout(resolve, leftMs) : setImmediate(resolve)));
}
