/** Formats figures for a person: three digits and a unit, at most six characters wide (seven for bytes). */

const TIME_UNITS: readonly Unit[] = [
  [1, 'ns'],
  [1e3, 'us'],
  [1e6, 'ms'],
  [1e9, 's'],
  [3600e9, 'h'],
];

const SIZE_UNITS: readonly Unit[] = [
  [1, 'B'],
  [2 ** 10, 'KiB'],
  [2 ** 20, 'MiB'],
  [2 ** 30, 'GiB'],
  [2 ** 40, 'TiB'],
];

type Unit = readonly [size: number, name: string];

/** Gives `850ns`, `43.1ms` or `1.50s`, and hours from 10,000 s on. */
export function formatDuration(ns: number): string {
  return format(ns, TIME_UNITS, (scaled, unit) => scaled >= (unit === 's' ? 9_999.5 : 999.5));
}

/** Gives `0B`, `512KiB` or `1.20GiB`. */
export function formatBytes(bytes: number): string {
  return format(bytes, SIZE_UNITS, (scaled) => scaled >= 1023.5);
}

/** Gives `12,345`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function format(value: number, units: readonly Unit[], tooLarge: (scaled: number, unit: string) => boolean): string {
  const fitting = units.find(([size, name]) => !tooLarge(value / size, name)) ?? units.at(-1);
  if (!fitting) throw new RangeError('no units');
  const [size, name] = fitting;
  return `${size === 1 ? Math.round(value) : threeDigits(value / size)}${name}`;
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value.toFixed(value < 99.95 ? 1 : 0);
}
