/** The range, pause, the link, the way back, and help. */
import { h, setText } from './dom.ts';
import { RANGES, type Range, type State } from './state.ts';

interface Callbacks {
  readonly onRange: (range: Range) => void;
  readonly onPause: () => void;
  readonly onBack: () => void;
}

const KEYS = [
  ['1 2 3 4', 'the last minute, 5 minutes, 15 minutes, all that this page has seen'],
  ['p', 'pause and go on'],
  ['/', 'filter spawners'],
  ['Esc', 'back to all spawners'],
  ['c', 'copy a link to what is shown'],
  ['?', 'this help'],
] as const;

export class Controls {
  readonly elements: readonly HTMLElement[];
  readonly #ranges: readonly HTMLButtonElement[];
  readonly #pause: HTMLButtonElement;
  readonly #back: HTMLButtonElement;
  readonly #copy: HTMLButtonElement;
  readonly #help: HTMLDialogElement;
  readonly #callbacks: Callbacks;

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks;
    this.#back = button('← All spawners', callbacks.onBack);
    this.#ranges = (Object.keys(RANGES) as Range[]).map((range) => button(range, () => callbacks.onRange(range)));
    this.#pause = button('Pause', callbacks.onPause);
    this.#copy = button('Copy link', () => void this.#copyLink());
    this.#help = h(
      'dialog',
      { 'aria-label': 'Help' },
      h('h2', {}, 'Keys'),
      h(
        'table',
        {},
        h(
          'tbody',
          {},
          ...KEYS.map(([key, what]) =>
            h('tr', {}, h('th', { scope: 'row' }, h('kbd', {}, key)), h('td', { class: 'text wrap' }, what)),
          ),
        ),
      ),
      h(
        'p',
        {},
        'A spawn is a call that creates a process. Its stall is how long the spawner waited in that call. Avoidable is what afork would have saved.',
      ),
      h('form', { method: 'dialog' }, h('button', {}, 'Close')),
    );
    const ranges = h('div', { class: 'group', role: 'group', 'aria-label': 'Range of time' }, ...this.#ranges);
    const help = button('?', () => this.#help.showModal());
    help.setAttribute('aria-label', 'Help');
    this.elements = [this.#back, ranges, this.#pause, this.#copy, help, this.#help];
    document.addEventListener('keydown', (event) => this.#onKey(event));
  }

  show({ range, end, spawner }: State): void {
    this.#back.hidden = spawner === undefined;
    for (const one of this.#ranges) one.setAttribute('aria-pressed', String(one.textContent === range));
    setText(this.#pause, end === undefined ? 'Pause' : 'Go on');
    this.#pause.setAttribute('aria-pressed', String(end !== undefined));
  }

  #onKey(event: KeyboardEvent): void {
    const { target, key } = event;
    const isTyping = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (event.ctrlKey || event.metaKey || event.altKey || this.#help.open) return;
    if (key === 'Escape') {
      if (isTyping) target.blur();
      else if (!this.#back.hidden) this.#callbacks.onBack();
      return;
    }
    if (isTyping) return;
    const range = this.#ranges[Number(key) - 1]?.textContent;
    if (range) this.#callbacks.onRange(range as Range);
    else if (key === 'p') this.#callbacks.onPause();
    else if (key === 'c') void this.#copyLink();
    else if (key === '?') this.#help.showModal();
    else if (key === '/') {
      event.preventDefault();
      document.querySelector<HTMLInputElement>('input[type=search]')?.focus();
    }
  }

  /** Without TLS, browsers give no clipboard except on this host; the address bar has the same link. */
  async #copyLink(): Promise<void> {
    try {
      await navigator.clipboard.writeText(location.href);
      setText(this.#copy, 'Copied');
    } catch {
      setText(this.#copy, 'Copy it from the address bar');
    }
    setTimeout(() => setText(this.#copy, 'Copy link'), 2000);
  }
}

function button(text: string, click: () => void): HTMLButtonElement {
  return h('button', { type: 'button', click }, text);
}
