/** Replaces a dashboard's variables as Grafana does. */

export interface Variables {
  readonly job: string;
  readonly instance: string;
  readonly comm: string;
  /** Absent: all of them, and what has none. */
  readonly unit?: string;
  readonly namespace?: string;
  readonly pod?: string;
  readonly container?: string;
  /** PromQL durations. */
  readonly rateInterval: string;
  readonly range: string;
}

/** The value of a variable when nothing is chosen, which means all. */
export const ALL = '.+';

/** The same for labels that a series may lack. */
const ANY = '.*';

export function fill(text: string, variables: Variables): string {
  const values: Readonly<Record<string, string>> = {
    __rate_interval: variables.rateInterval,
    __range: variables.range,
    job: variables.job,
    instance: variables.instance,
    comm: variables.comm,
    unit: variables.unit ?? ANY,
    namespace: variables.namespace ?? ANY,
    pod: variables.pod ?? ANY,
    container: variables.container ?? ANY,
  };
  return text.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no variable ${name}: ${text}`);
    return value;
  });
}

/** Gives the labels of a legend, such as `{{comm}} by {{syscall}}`, or of a table's columns. */
export function labelsOf(legend: string): string[] {
  return Array.from(legend.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label ?? '');
}
