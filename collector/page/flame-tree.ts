/** Call stacks as a tree: from the spawner inwards, each node with what all stacks through it cost. */
import { frameName, framePlace } from '../model/frames.ts';
import type { SitesAnswer } from '../serve/api/schema.ts';

export type Site = SitesAnswer['sites'][number];

export const WEIGHTS = {
  stall: (site: Site) => site.stall_sum_ns,
  spawns: (site: Site) => site.spawns,
  'avoidable stall': (site: Site) => site.avoidable_stall_ns,
  'copied memory': (site: Site) => site.copied_rss_bytes,
} as const;
export type WeightName = keyof typeof WEIGHTS;

/** What a node is: a spawner; code of a file; a line that a script told; or what nothing is known about. */
type Kind = 'spawner' | 'code' | 'script' | 'unknown';

export interface Node {
  readonly name: string;
  readonly place: string;
  readonly kind: Kind;
  readonly parent: Node | undefined;
  /** The heaviest first. */
  readonly children: readonly Node[];
  weight: number;
  spawns: number;
}

interface Step {
  readonly name: string;
  readonly place: string;
  readonly kind: Kind;
}

type Growing = Omit<Node, 'children' | 'parent'> & { readonly parent: Growing | undefined; children: Growing[] };

export function flameTree(sites: readonly Site[], weight: WeightName): Node {
  const root: Growing = {
    name: 'all',
    place: '',
    kind: 'spawner',
    parent: undefined,
    children: [],
    weight: 0,
    spawns: 0,
  };
  for (const site of sites) {
    let node = root;
    charge(node, site, weight);
    for (const step of stepsOf(site)) {
      node = childOf(node, step);
      charge(node, site, weight);
    }
  }
  sort(root);
  return root;
}

function charge(node: Growing, site: Site, weight: WeightName): void {
  node.weight += WEIGHTS[weight](site);
  node.spawns += site.spawns;
}

/** The names are those of `forktax sites --folded`. */
function stepsOf({ comm, end, frames }: Site): readonly Step[] {
  const unknown: Step[] = end === 'complete' ? [] : [{ name: `[${end}]`, place: '', kind: 'unknown' }];
  const calls = frames.toReversed().map((frame): Step => {
    const named = codeOf(frame);
    const kind = frame.how === 'script' ? 'script' : frame.module === undefined ? 'unknown' : 'code';
    return { name: frameName(named), place: framePlace(named), kind };
  });
  return [{ name: comm, place: '', kind: 'spawner' }, ...unknown, ...calls];
}

export const codeOf = ({ function: symbol, ...frame }: Site['frames'][number]) => ({ ...frame, symbol }) as Code;

interface Code {
  readonly symbol?: string;
  readonly module?: string;
  readonly offset?: number;
  readonly file?: string;
  readonly line?: number;
}

function childOf(node: Growing, step: Step): Growing {
  const known = node.children.find((child) => child.name === step.name && child.kind === step.kind);
  if (known) return known;
  const child: Growing = { ...step, parent: node, children: [], weight: 0, spawns: 0 };
  node.children.push(child);
  return child;
}

function sort(node: Growing): void {
  node.children.sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1));
  for (const child of node.children) sort(child);
}
