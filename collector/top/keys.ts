/** Keys and clicks, from what a terminal sends: ECMA-48 sequences, and xterm's mouse reports in SGR form. */

export type Key =
  | { readonly name: 'text'; readonly text: string }
  | { readonly name: 'click'; readonly row: number }
  | { readonly name: Exclude<(typeof NAMED)[keyof typeof NAMED], undefined> };

const NAMED = {
  '\u0003': 'interrupt',
  '\u001a': 'suspend',
  '\u001b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
} as const;

const TOKENS = /\u001b\[<\d+;\d+;\d+[Mm]|\u001b\[[0-9;?]*[@-~]|\u001bO[A-Z]|[^]/gu; // oxlint-disable-line no-control-regex
const CLICK = /^\u001b\[<0;\d+;(\d+)M$/; // oxlint-disable-line no-control-regex
const WHEEL = /^\u001b\[<(64|65);/; // oxlint-disable-line no-control-regex

/** `row` of a click counts from 0 at the top of the screen. What means nothing here is left out. */
export function keysOf(input: string): Key[] {
  return (input.match(TOKENS) ?? []).flatMap((token): Key | readonly Key[] => {
    const name = (NAMED as Readonly<Record<string, (typeof NAMED)[keyof typeof NAMED]>>)[token];
    if (name) return { name };
    const click = CLICK.exec(token);
    if (click) return { name: 'click', row: Number(click[1]) - 1 };
    const wheel = WHEEL.exec(token);
    if (wheel) return { name: wheel[1] === '64' ? 'up' : 'down' };
    return /^[^\p{C}]$/u.test(token) ? { name: 'text', text: token } : [];
  });
}
