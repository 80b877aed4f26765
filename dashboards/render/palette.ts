/** Colours on white for the names that the dashboards use. */

const NAMED: Readonly<Record<string, string>> = {
  text: '#24292f',
  green: '#3d9a5f',
  orange: '#ea7e22',
  red: '#d13c3c',
  blue: '#2f74d0',
  'super-light-blue': '#9cc3f2',
  purple: '#8457c2',
  'light-purple': '#c2a4e6',
  yellow: '#c9970c',
};

/** For what has no colour of its own. */
const OTHERS = ['#2f74d0', '#ea7e22', '#3d9a5f', '#8457c2', '#c9970c', '#209c9c', '#cf5687', '#76808f'];

export const INK = '#24292f';
export const FAINT = '#6b7480';
export const GRID = '#e8eaed';

export const named = (name: string): string => NAMED[name] ?? INK;

export const other = (index: number): string => OTHERS[index % OTHERS.length] ?? INK;

/** From white to a dark orange, by a share from 0 to 1. */
export function heat(share: number): string {
  const stops = [
    [255, 247, 236],
    [253, 187, 132],
    [239, 101, 72],
    [127, 0, 0],
  ];
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const index = Math.min(Math.floor(at), stops.length - 2);
  const [from = [], to = []] = [stops[index], stops[index + 1]];
  const mix = from.map((value, channel) => Math.round(value + ((to[channel] ?? 0) - value) * (at - index)));
  return `rgb(${mix.join(',')})`;
}
