/** Shows who spawns, refreshed all the time, until the user ends it. */
import type { Clock } from '../model/clock.ts';
import { rankSpawners } from '../advice/rank.ts';
import type { EngineEvent } from '../model/events.ts';
import type { CostRow } from '../model/rows.ts';
import { SpawnLines, type SpawnLine } from '../model/spawn-lines.ts';
import type { Output } from '../terminal/output.ts';
import { SpawnerHistory, type SpawnerName } from './history.ts';
import type { Key } from './keys.ts';
import { OwnCost } from './own-cost.ts';
import { firstShown, ROWS_FROM, rowsOf, rowsThatFit, screenLines, tableText, type TopData } from './render.ts';
import { openScreen, type Screen } from './screen.ts';
import type { Source } from './source.ts';
import { FIRST_VIEW, pressed, type ViewState } from './view-state.ts';

export interface TopSettings {
  /** Nanoseconds between two readings. */
  readonly delay: number;
  readonly sort: string;
  readonly filter: string;
  readonly nameOf: SpawnerName;
}

/** Lines that are kept of the spawner that is shown alone. */
const KEPT_LINES = 200;

/** Prints one table, of the time between two readings. */
export async function printOnce(
  source: Source,
  settings: TopSettings,
  clock: Clock,
  output: Output,
  stop: AbortSignal,
): Promise<void> {
  const view = new View(source, settings, clock);
  await view.read();
  await clock.pause(settings.delay, stop);
  await view.read();
  const { rows, data } = view.now();
  output.data(tableText(rows, data, output.width, output.style));
  if (rows.length === 0) output.talk('no spawns\n');
}

/** Resolves when the user quits or `stop` is aborted. Throws what reading throws, after the terminal is restored. */
export async function showScreen(
  source: Source,
  settings: TopSettings,
  clock: Clock,
  output: Output,
  stop: AbortSignal,
): Promise<void> {
  const view = new View(source, settings, clock);
  const quit = new AbortController();
  using screen = openScreen(
    (key) => onKey(key),
    () => view.draw(screen, output),
  );
  const end = AbortSignal.any([stop, quit.signal]);
  function onKey(key: Key): void {
    const command = view.press(key, screen);
    if (command === 'quit') quit.abort();
    else if (command === 'suspend') screen.suspend();
    view.draw(screen, output);
  }
  try {
    while (!end.aborted && !clock.ended) {
      await view.read();
      view.draw(screen, output);
      await clock.pause(settings.delay, end);
    }
    // A recording that has ended stays on the screen.
    if (clock.ended && !end.aborted) await new Promise((resolve) => end.addEventListener('abort', resolve));
  } finally {
    view.close();
  }
}

/** What is measured, what is chosen, and what follows from both. */
class View {
  readonly #source: Source;
  readonly #history: SpawnerHistory;
  readonly #own = new OwnCost();
  #state: ViewState;
  #data: TopData;
  #order: readonly string[] = [];
  #detail: Detail | undefined;
  #rows: readonly CostRow[] = [];
  readonly #nameOf: SpawnerName;
  readonly #clock: Clock;

  constructor(source: Source, { sort, filter, nameOf }: TopSettings, clock: Clock) {
    this.#clock = clock;
    this.#source = source;
    this.#nameOf = nameOf;
    this.#history = new SpawnerHistory(nameOf, (row) => source.placeOf(row));
    this.#state = { ...FIRST_VIEW, sort, filter };
    this.#data = {
      title: source.title,
      nowMs: Date.now(),
      figures: [],
      absent: new Map(),
      eventsLost: 0,
      own: this.#own.read(),
      lines: [],
      files: new Map(),
      advice: undefined,
    };
  }

  async read(): Promise<void> {
    const { absent, eventsLost, ...reading } = await this.#source.read();
    this.#history.add(reading);
    this.#rows = reading.rows;
    if (this.#state.paused) return;
    const { title } = this.#source;
    const nowMs = Date.now();
    this.#data = {
      title,
      nowMs,
      figures: this.#history.figures(),
      absent,
      eventsLost,
      own: this.#own.read(),
      ...this.#seen(),
      advice: this.#advice(),
    };
  }

  now() {
    const rows = rowsOf(this.#data.figures, this.#state, this.#order);
    return { rows, data: this.#data };
  }

  draw(screen: Screen, { style }: Output): void {
    if (!this.#state.paused) this.#data = { ...this.#data, ...this.#seen() };
    const { rows, data } = this.now();
    this.#order = rows.map(({ name }) => name);
    screen.show(screenLines(rows, data, this.#state, screen, style));
  }

  press(key: Key, size: Screen): 'quit' | 'suspend' | undefined {
    const first = firstShown(this.#state.selected, this.#order.length, size);
    const placed = key.name === 'click' ? { ...key, row: key.row - ROWS_FROM + first } : key;
    if (placed.name === 'click' && placed.row < first) return undefined;
    const after = pressed(this.#state, placed, this.#order, rowsThatFit(size));
    if (typeof after === 'string') return after;
    this.#state = after;
    if (after.detail !== this.#detail?.name) {
      this.#detail?.close();
      this.#detail =
        after.detail === undefined ? undefined : new Detail(after.detail, this.#source, this.#nameOf, this.#clock);
      this.#data = { ...this.#data, advice: this.#advice() };
    }
    return undefined;
  }

  close(): void {
    this.#detail?.close();
  }

  /** What `forktax advise` says about the spawner that is shown alone. */
  #advice(): TopData['advice'] {
    const source = this.#source;
    const rows = this.#rows.filter((row) => this.#nameOf(row) === this.#detail?.name);
    return rankSpawners({ rows, label: source.label, spawnerOf: (row) => source.examine?.(row) })[0];
  }

  #seen(): Pick<TopData, 'lines' | 'files'> {
    if (!this.#source.subscribe) return { lines: undefined, files: new Map() };
    return { lines: this.#detail?.lines ?? [], files: this.#detail?.files ?? new Map() };
  }
}

/** Watches the spawns of one spawner. The kernel writes events only meanwhile. */
class Detail {
  readonly name: string;
  readonly lines: SpawnLine[] = [];
  readonly files = new Map<string, number>();
  readonly close: () => void;

  constructor(name: string, source: Source, nameOf: SpawnerName, clock: Clock) {
    this.name = name;
    const idOf = ({ pid, cgroup }: EngineEvent): string => (source.label === 'pid' ? String(pid) : cgroup);
    const lines = new SpawnLines((line) => this.#add(line), { execsSeen: true });
    const unsubscribe = source.subscribe?.((events) => {
      const nowMs = clock.now();
      for (const event of events) if (nameOf({ comm: event.comm, id: idOf(event) }) === name) lines.add(event, nowMs);
      lines.expire(nowMs);
    });
    this.close = () => unsubscribe?.();
  }

  #add(line: SpawnLine): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    const file = line.exec?.file;
    if (file !== undefined) this.files.set(file, (this.files.get(file) ?? 0) + 1);
  }
}
