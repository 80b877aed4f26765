/** Formats values in the units of Grafana that the dashboards use. */

const SI = ['', 'k', 'M', 'G'];
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

const FORMATS: Readonly<Record<string, (value: number) => string>> = {
  s: time,
  bytes: (value) => stepped(value, 1024, IEC),
  binBps: (value) => `${stepped(value, 1024, IEC)}/s`,
  percentunit: (value) => `${digits(value * 100)}%`,
  short: (value) => stepped(value, 1000, SI),
  cps: (value) => `${stepped(value, 1000, SI)}/s`,
  none: String,
};

export function format(value: number, unit = 'short'): string {
  if (!Number.isFinite(value)) return '–';
  return value === 0 ? '0' : (FORMATS[unit] ?? String)(value);
}

function time(seconds: number): string {
  const [size, name] = (
    [
      [1, 's'],
      [1e-3, 'ms'],
      [1e-6, 'µs'],
    ] as const
  ).find(([limit]) => Math.abs(seconds) >= limit) ?? [1e-9, 'ns'];
  return `${digits(seconds / size)} ${name}`;
}

function stepped(value: number, step: number, names: readonly string[]): string {
  let index = 0;
  let rest = value;
  for (; Math.abs(rest) >= step && index < names.length - 1; index++) rest /= step;
  const name = names[index] ?? '';
  return name.length > 1 || name === 'B' ? `${digits(rest)} ${name}` : digits(rest) + name;
}

/** Gives three significant digits. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
