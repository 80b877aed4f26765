/** Parses the text format, for tests. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** The text after `#` on an OpenMetrics line. */
  readonly exemplar: string | undefined;
}

export function parseSamples(text: string): ParsedSample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseSample);
}

function parseSample(line: string): ParsedSample {
  const match = /^(?<name>[a-z\d_]+)(?:\{(?<labels>.*?[^\\]")\})? (?<value>\S+)(?: # (?<exemplar>.*))?$/.exec(line);
  if (!match?.groups) throw new Error(`not a sample: ${line}`);
  const { name = '', labels = '', value, exemplar } = match.groups;
  return { name, labels: parseLabels(labels), value: Number(value === '+Inf' ? 'Infinity' : value), exemplar };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[name] = value.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
  }
  return labels;
}

/** Gives the value of the only sample with this name and these labels. */
export function valueOf(samples: readonly ParsedSample[], name: string, labels: Record<string, string> = {}): number {
  const wanted = Object.entries(labels);
  const found = samples.filter((one) => one.name === name && wanted.every(([key, value]) => one.labels[key] === value));
  if (found.length !== 1 || !found[0]) throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels)}`);
  return found[0].value;
}
