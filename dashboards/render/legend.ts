/** Draws the names below a chart, with their colours. */
import { escape } from './html.ts';
import { INK } from './palette.ts';

interface Entry {
  readonly name: string;
  readonly colour: string;
  /** A value that is shown after the name. */
  readonly value?: string;
}

export function legend(entries: readonly Entry[]): string {
  const parts = entries.map(({ name, colour, value }) => {
    const last = value === undefined ? '' : ` <b style="color:${INK}">${escape(value)}</b>`;
    return `<span><i style="background:${colour}"></i>${escape(name)}${last}</span>`;
  });
  return `<div class="legend">${parts.join('')}</div>`;
}
