/** Colours that people with any colour vision tell apart (after Okabe and Ito), and lines that differ without colours. */

const LIGHT = ['#0072b2', '#b84a00', '#007a59', '#a0417f', '#7a5c00', '#5f6368'] as const;
const DARK = ['#56b4e9', '#e69f00', '#2fc79a', '#e39cc6', '#f0e442', '#a8adb3'] as const;
const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 5]];

/** The last is that of all others together. */
export const SERIES = LIGHT.length;
export const REST = '(all others)';

export const darkScheme = matchMedia('(prefers-color-scheme: dark)');

/** The colours of text and of thin lines in a canvas, which has no custom properties. */
export function ink(): { readonly text: string; readonly line: string } {
  return darkScheme.matches ? { text: '#a8adb3', line: '#2b3036' } : { text: '#555b62', line: '#e3e6ea' };
}

export function seriesStyle(slot: number): { color: string; dash: readonly number[] } {
  const colors = darkScheme.matches ? DARK : LIGHT;
  return { color: colors[slot] ?? colors[SERIES - 1] ?? '', dash: DASHES[slot] ?? [] };
}

/** The colour that a name had first: all charts give it that one as far as it is free. */
const preferred = new Map<string, number>();

/** A name keeps its colour as long as it is among those that are shown. */
export class Slots {
  readonly #slots = new Map<string, number>();

  assign(names: readonly string[]): ReadonlyMap<string, number> {
    for (const known of this.#slots.keys()) if (!names.includes(known)) this.#slots.delete(known);
    for (const name of names) {
      if (this.#slots.has(name)) continue;
      const taken = new Set(this.#slots.values());
      let slot = name === REST ? SERIES - 1 : (preferred.get(name) ?? 0);
      if (taken.has(slot)) slot = 0;
      while (taken.has(slot)) slot++;
      this.#slots.set(name, slot);
      if (!preferred.has(name)) preferred.set(name, slot);
    }
    return this.#slots;
  }
}

/** From little to much in one hue of rising contrast to the ground, for `share` in (0, 1]. */
export function heatColor(share: number): string {
  return darkScheme.matches
    ? `hsl(${220 - 170 * share} ${60 + 30 * share}% ${22 + 63 * share}%)`
    : `hsl(${205 + 55 * share} ${55 + 25 * share}% ${86 - 68 * share}%)`;
}
