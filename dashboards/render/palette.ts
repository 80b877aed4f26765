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

/** Colours for names without a colour. */
const OTHERS = ['#2f74d0', '#ea7e22', '#3d9a5f', '#8457c2', '#c9970c', '#209c9c', '#cf5687', '#76808f'];

export const INK = '#24292f';
export const FAINT = '#6b7480';
export const GRID = '#e8eaed';

export const named = (name: string): string => NAMED[name] ?? INK;

export const other = (index: number): string => OTHERS[index % OTHERS.length] ?? INK;

/** The colours of a heatmap, from the lowest to the highest rate. */
export const HEAT = ['#fff7ec', '#fdbb84', '#ef6548', '#7f0000'] as const;
