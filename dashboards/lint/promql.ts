/** Parses queries with Prometheus' own grammar for editors. */
import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';

export interface Selector {
  readonly metric: string;
  /** The matchers as they are written: `job=~"$job"`. */
  readonly matchers: readonly string[];
  /** The text between the brackets of a range. */
  readonly range?: string;
  /** The function that has the range as its argument. */
  readonly fn?: string;
}

/** Values for Grafana's variables. They are in brackets and in strings; the grammar rejects only those in brackets. */
const STAND_INS: Readonly<Record<string, string>> = {
  $__rate_interval: '11m11s',
  $__interval: '22m22s',
  $__range: '33m33s',
};

const expanded = (expr: string) => replaceAll(expr, STAND_INS);

const restored = (text: string) =>
  replaceAll(text, Object.fromEntries(Object.entries(STAND_INS).map(([name, value]) => [value, name])));

const replaceAll = (text: string, by: Readonly<Record<string, string>>) =>
  Object.entries(by).reduce((result, [from, to]) => result.replaceAll(from, to), text);

/** Throws if the query does not follow the grammar. */
export function selectorsOf(expr: string): Selector[] {
  const text = expanded(expr);
  const selectors: Selector[] = [];
  parser.parse(text).iterate({
    enter: ({ type, node, from }) => {
      if (type.isError) throw new SyntaxError(`not PromQL from "${restored(text.slice(from, from + 20))}" on`);
      if (type.name === 'VectorSelector') selectors.push(selectorAt(node, text));
    },
  });
  if (selectors.length === 0) throw new SyntaxError('asks for no metric');
  return selectors;
}

function selectorAt(node: SyntaxNode, text: string): Selector {
  const textOf = (part: SyntaxNode | null) => (part ? restored(text.slice(part.from, part.to)) : '');
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
  const selector = { metric: textOf(node.getChild('Identifier')), matchers: matchers.map(textOf) };
  const matrix = node.parent;
  if (matrix?.name !== 'MatrixSelector') return selector;
  const call = matrix.parent?.parent;
  const fn = call?.name === 'FunctionCall' ? textOf(call.getChild('FunctionIdentifier')) : '';
  return { ...selector, range: textOf(matrix.lastChild), fn };
}
