/** What the user sees and has chosen, and how keys change it. */
import { TOP_COLUMNS } from './columns.ts';
import type { Key } from './keys.ts';

export interface ViewState {
  /** The title of the column that rows are sorted by. */
  readonly sort: string;
  readonly filter: string;
  /** Keys go into the filter. */
  readonly typing: boolean;
  /** Nothing on the screen changes. */
  readonly paused: boolean;
  /** Figures change, the order of rows does not. */
  readonly frozen: boolean;
  readonly help: boolean;
  /** The marked row. */
  readonly selected: number;
  /** The spawner that is shown alone. */
  readonly detail: string | undefined;
}

export const FIRST_VIEW: ViewState = {
  sort: 'STALL/s',
  filter: '',
  typing: false,
  paused: false,
  frozen: false,
  help: false,
  selected: 0,
  detail: undefined,
};

export type Command = 'quit' | 'suspend';

/** `names` are those of the rows as they are shown, `page` how many fit. */
export function pressed(state: ViewState, key: Key, names: readonly string[], page: number): ViewState | Command {
  if (key.name === 'interrupt') return 'quit';
  if (key.name === 'suspend') return 'suspend';
  if (state.typing) return typed(state, key);
  if (state.help) return { ...state, help: false };
  if (key.name === 'escape' && state.detail === undefined && state.filter !== '') return { ...state, filter: '' };
  if (key.name === 'escape') return { ...state, detail: undefined };
  const last = Math.max(0, names.length - 1);
  const move = (by: number): ViewState => ({ ...state, selected: Math.min(last, Math.max(0, state.selected + by)) });
  switch (key.name) {
    case 'up':
      return move(-1);
    case 'down':
      return move(1);
    case 'page-up':
      return move(-page);
    case 'page-down':
      return move(page);
    case 'click':
      return key.row === state.selected ? opened(state, names) : { ...state, selected: Math.min(last, key.row) };
    case 'enter':
      return opened(state, names);
    case 'text':
      return letter(state, key.text);
    default:
      return state;
  }
}

const opened = (state: ViewState, names: readonly string[]): ViewState => ({ ...state, detail: names[state.selected] });

function letter(state: ViewState, text: string): ViewState | Command {
  const column = TOP_COLUMNS.find(({ key }) => key === text);
  if (column) return { ...state, sort: column.title };
  switch (text) {
    case 'q':
      return 'quit';
    case '?':
    case 'h':
      return { ...state, help: true };
    case '/':
      return { ...state, typing: true, filter: '', detail: undefined };
    case 'p':
    case ' ':
      return { ...state, paused: !state.paused };
    case 'f':
      return { ...state, frozen: !state.frozen };
    case '<':
    case '>':
      return { ...state, sort: neighbour(state.sort, text === '>' ? 1 : -1) };
    default:
      return state;
  }
}

function neighbour(sort: string, by: 1 | -1): string {
  const sortable = TOP_COLUMNS.filter(({ key }) => key !== undefined).map(({ title }) => title);
  return sortable.at((sortable.indexOf(sort) + by) % sortable.length) ?? sort;
}

function typed(state: ViewState, key: Key): ViewState {
  switch (key.name) {
    case 'enter':
      return { ...state, typing: false, selected: 0 };
    case 'escape':
      return { ...state, typing: false, filter: '' };
    case 'backspace':
      return { ...state, filter: state.filter.replace(/.$/su, '') };
    case 'text':
      return { ...state, filter: state.filter + key.text, selected: 0 };
    default:
      return state;
  }
}
