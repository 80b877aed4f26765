/**
 * Who may be sent a page now. Pages are large, and the kernel keeps megabytes for a client that does not read, so few are
 * sent at a time: a share of them for each address, and the rest wait. The newest goes first, because whoever has waited
 * long has mostly given up. A client that takes nothing loses its turn, and soon when others wait.
 */

export interface TurnOptions {
  /** Turns at a time; one address has at most a quarter of them. 0: no limit. */
  readonly most: number;
  /** Who waits longer is refused. */
  readonly patienceMs: number;
  /** How many may wait; beyond, the one that has waited longest is refused. */
  readonly mostWaiting: number;
  /** A turn without progress for so long is cut off. */
  readonly stallMs: number;
  /** The same while others wait. */
  readonly stallMsUnderLoad: number;
  /** A turn with whatever progress ends after this. */
  readonly longestMs: number;
}

export const TURNS: Omit<TurnOptions, 'most'> = {
  patienceMs: 5_000,
  mostWaiting: 250,
  stallMs: 10_000,
  stallMsUnderLoad: 600,
  longestMs: 120_000,
};

const LOOK_MS = 100;

export interface Turn {
  /** From now on the client is waited for, anew. */
  waitForClient(): void;
  /** From now on the client waits. A turn begins so. */
  letClientWait(): void;
  /** Idempotent. */
  end(): void;
}

export interface Client {
  readonly address: string;
  /** Nobody is there to be answered. */
  readonly isGone: () => boolean;
  /** Called if its turn is taken away. */
  readonly cutOff: () => void;
}

export interface Turns {
  /** Undefined: refused. */
  take(client: Client): Promise<Turn | undefined>;
}

interface Running {
  readonly client: Client;
  readonly begunAt: number;
  /** Since when the client is waited for, by the clock `watchedMs`. Infinity: the client waits. */
  waitsSince: number;
}

interface Waiting {
  readonly client: Client;
  readonly since: number;
  readonly answer: (turn: Turn | undefined) => void;
}

/** `isPressed`: whether memory is short, so that stalled turns are cut off as if others waited. */
export function createTurns(
  { most, patienceMs, mostWaiting, stallMs, stallMsUnderLoad, longestMs }: TurnOptions,
  isPressed: () => boolean = () => false,
): Turns {
  const mostEach = most === 0 ? Infinity : Math.ceil(most / 4);
  const isFull = (): boolean => most > 0 && running.size >= most;
  const running = new Set<Running>();
  const countOf = new Map<string, number>();
  /** The newest is the last. */
  let waiting: Waiting[] = [];
  /** A clock that stands while this process is too busy to look: clients must not be blamed for that. */
  let watchedMs = 0;
  let lookedAt = 0;
  let timer: NodeJS.Timeout | undefined;

  return {
    take(client) {
      return new Promise((answer) => {
        waiting.push({ client, since: performance.now(), answer });
        admit();
        if (waiting.length > mostWaiting) waiting.shift()?.answer(undefined);
        startLooking();
      });
    },
  };

  function admit(): void {
    while (!isFull()) {
      const index = waiting.findLastIndex(({ client }) => (countOf.get(client.address) ?? 0) < mostEach);
      const [next] = index === -1 ? [] : waiting.splice(index, 1);
      if (!next) return;
      next.answer(begin(next.client));
    }
  }

  function begin(client: Client): Turn {
    const turn: Running = { client, begunAt: performance.now(), waitsSince: Infinity };
    running.add(turn);
    countOf.set(client.address, (countOf.get(client.address) ?? 0) + 1);
    return {
      waitForClient: () => (turn.waitsSince = watchedMs),
      letClientWait: () => (turn.waitsSince = Infinity),
      end: () => end(turn),
    };
  }

  function end(turn: Running): void {
    if (!running.delete(turn)) return;
    const { address } = turn.client;
    const left = (countOf.get(address) ?? 0) - 1;
    if (left > 0) countOf.set(address, left);
    else countOf.delete(address);
    admit();
  }

  function startLooking(): void {
    if (timer) return;
    lookedAt = performance.now();
    timer = setInterval(look, LOOK_MS).unref();
  }

  function look(): void {
    const now = performance.now();
    watchedMs += Math.min(now - lookedAt, 2 * LOOK_MS);
    lookedAt = now;
    for (const gone of waiting.filter(({ client }) => client.isGone())) gone.answer(undefined);
    waiting = waiting.filter(({ client }) => !client.isGone());
    const mayStallMs = waiting.length > 0 || isPressed() ? stallMsUnderLoad : stallMs;
    for (const turn of running) {
      if (watchedMs - turn.waitsSince <= mayStallMs && now - turn.begunAt <= longestMs) continue;
      turn.client.cutOff();
      end(turn);
    }
    while (waiting[0] && now - waiting[0].since > patienceMs) waiting.shift()?.answer(undefined);
    if (running.size > 0 || waiting.length > 0) return;
    clearInterval(timer);
    timer = undefined;
  }
}
