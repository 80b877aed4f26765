/** bpftrace's messages as bpftrace itself prints them. */
import type { Bucket, Message, Value } from 'bpftrace-wrapper';
import { printable } from '../terminal/text.ts';

const BAR_WIDTH = 52;
const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/** Empty for what is not the script's own output. */
export function messageText(message: Message): string {
  switch (message.type) {
    case 'map':
      return block(message.entries, (key, value) => `${label(message.name, key)}: ${valueText(value)}\n`);
    case 'stats':
      return block(message.entries, (key, { count, average, total }) => {
        return `${label(message.name, key)}: count ${count}, average ${average}, total ${total}\n`;
      });
    case 'hist':
    case 'lhist':
      return message.entries
        .map(([key, buckets]) => `\n${label(message.name, key)}:\n${bars(buckets).join('\n')}\n`)
        .join('');
    case 'value':
      return `${valueText(message.value)}\n`;
    case 'printf':
    case 'time':
    case 'cat':
    case 'join':
    case 'syscall':
      return message.text.split('\n').map(printable).join('\n');
    default:
      return '';
  }
}

function block<V>(entries: readonly (readonly [string, V])[], line: (key: string, value: V) => string): string {
  return entries.length === 0 ? '' : `\n${entries.map(([key, value]) => line(key, value)).join('')}`;
}

function label(name: string, key: string): string {
  return key === '' ? name : `${name}[${printable(key)}]`;
}

function valueText(value: Value): string {
  if (typeof value === 'string') return printable(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if ('fields' in value) return `{ ${value.fields.map(([name, part]) => `.${name} = ${valueText(part)}`).join(', ')} }`;
  return `(${value.map(valueText).join(', ')})`;
}

function bars(buckets: readonly Bucket[]): string[] {
  const most = Math.max(...buckets.map(({ count }) => Number(count)));
  return buckets.map((bucket) => {
    const count = Number(bucket.count);
    const bar = '@'.repeat(most === 0 ? 0 : Math.floor((count / most) * BAR_WIDTH));
    return `${range(bucket).padEnd(16)}${String(count).padStart(8)} |${bar.padEnd(BAR_WIDTH)}|`;
  });
}

function range({ min, max }: Bucket): string {
  if (min !== undefined && min === max) return `[${bound(Number(min))}]`;
  const from = min === undefined ? '(...' : `[${bound(Number(min))}`;
  const to = max === undefined ? '...' : bound(Number(max) + 1);
  return `${from}, ${to})`;
}

/** `64`, `1K`, `16M`: 1024 is 1K. */
function bound(value: number): string {
  let unit = 0;
  let left = value;
  while (left !== 0 && left % 1024 === 0 && unit < UNITS.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${left}${UNITS[unit]}`;
}
