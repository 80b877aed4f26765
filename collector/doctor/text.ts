import type { Diagnosis } from './examine.ts';
import type { Finding, Status } from './findings.ts';
import type { Output } from '../terminal/output.ts';
import { wrap } from '../terminal/text.ts';

const COLOURS = { ok: 'green', note: 'bold', warn: 'yellow', fail: 'red' } as const;
const MARK_WIDTH = 4;

export function doctorText(diagnosis: Diagnosis, { style, width }: Pick<Output, 'style' | 'width'>): string {
  const checkWidth = Math.max(...[...diagnosis.host, ...diagnosis.hooks].map(({ check }) => check.length));
  const section = (findings: readonly Finding[]): string =>
    findings.map((finding) => findingText(finding, checkWidth, { style, width })).join('');
  const hooks = diagnosis.hooks.length > 0 ? `\n${style('bold', 'Hooks')}\n${section(diagnosis.hooks)}` : '';
  return `${section(diagnosis.host)}${hooks}\n${wrap(verdict(diagnosis), width).join('\n')}\n`;
}

function findingText(
  { check, status, found, fix }: Finding,
  checkWidth: number,
  { style, width }: Pick<Output, 'style' | 'width'>,
): string {
  const indent = ' '.repeat(MARK_WIDTH + 1 + checkWidth + 2);
  const room = Math.max(20, width - indent.length);
  const paragraphs = [wrap(found, room), ...(fix === undefined ? [] : wrap(`→ ${fix}`, room))].flat();
  return `${mark(status, style)} ${check.padEnd(checkWidth)}  ${paragraphs.join(`\n${indent}`)}\n`;
}

function mark(status: Status, style: Output['style']): string {
  const text = status === 'fail' ? 'FAIL' : status;
  return style(COLOURS[status], text.padEnd(MARK_WIDTH));
}

function verdict({ able, engine, callHook, hooks, host }: Diagnosis): string {
  if (!able) return 'forktax cannot measure here: see the lines that say FAIL.';
  const lost = [...host, ...hooks].filter(({ status }) => status === 'warn').length;
  const way = callHook ? `sees the spawning calls with the call hook ${callHook}` : 'cannot see the spawning calls';
  return `forktax can measure here: the engine ${engine} runs and ${way}.${lost > 0 ? ` Warnings: ${lost}.` : ''}`;
}
