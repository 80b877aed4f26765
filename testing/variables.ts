/** Puts in for a dashboard's variables what Grafana would. */

export interface Variables {
  readonly job: string;
  readonly instance: string;
  readonly comm: string;
  /** Text of PromQL durations. */
  readonly rateInterval: string;
  readonly range: string;
}

/** Nothing chosen: all of them. */
export const ALL = '.+';

export function fill(text: string, variables: Variables): string {
  const values: Readonly<Record<string, string>> = {
    __rate_interval: variables.rateInterval,
    __range: variables.range,
    job: variables.job,
    instance: variables.instance,
    comm: variables.comm,
  };
  return text.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no variable ${name}: ${text}`);
    return value;
  });
}

/** Of a legend: `{{comm}} by {{syscall}}`, and of a table: the columns that are no values. */
export function labelsOf(legend: string): string[] {
  return Array.from(legend.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label ?? '');
}
