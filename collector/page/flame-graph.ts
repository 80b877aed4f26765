/** A flame graph: callers above, what they call below, as wide as what it cost. A tree for keyboards and screen readers. */
import { printable } from '../terminal/text.ts';
import { h, setText } from './dom.ts';
import type { Node } from './flame-tree.ts';

const ROW_PX = 22;
/** Narrower ones could not be seen. The table has them. */
const LEAST_SHARE = 0.001;

export class FlameGraph {
  readonly element: HTMLElement;
  readonly #tree = h('div', { class: 'flame', role: 'tree', 'aria-label': 'Call stacks, the callers first' });
  readonly #detail = h('p', { class: 'detail', 'aria-live': 'polite' });
  #format: (weight: number) => string = String;
  #root: Node | undefined;
  #zoomed: Node | undefined;
  #items = new Map<Node, HTMLElement>();

  constructor() {
    this.#tree.addEventListener('keydown', (event) => this.#onKey(event));
    this.element = h('div', {}, this.#tree, this.#detail);
  }

  draw(root: Node, format: (weight: number) => string): void {
    this.#root = root;
    this.#format = format;
    this.#zoom(root);
  }

  #zoom(node: Node): void {
    this.#zoomed = node;
    this.#items = new Map();
    const above: Node[] = [];
    for (let one = node.parent; one; one = one.parent) above.unshift(one);
    const items = above.map((one, depth) => this.#item(one, { depth, left: 0, width: 1 }));
    const deepest = node.weight > 0 ? this.#addBelow(items, node, { depth: above.length, left: 0, width: 1 }) : 0;
    this.#tree.replaceChildren(...items);
    this.#tree.style.height = `${(deepest + 1) * ROW_PX}px`;
    const first = this.#items.get(node);
    if (first) first.tabIndex = 0;
    this.#tell(node);
  }

  /** Gives the depth of the deepest. */
  #addBelow(items: HTMLElement[], node: Node, place: Place): number {
    items.push(this.#item(node, place));
    let { left } = place;
    let deepest = place.depth;
    for (const child of node.children) {
      const width = place.width * (child.weight / node.weight);
      if (width < LEAST_SHARE) break;
      deepest = Math.max(deepest, this.#addBelow(items, child, { depth: place.depth + 1, left, width }));
      left += width;
    }
    return deepest;
  }

  #item(node: Node, { depth, left, width }: Place): HTMLElement {
    const item = h(
      'div',
      {
        role: 'treeitem',
        class: node.kind,
        tabindex: '-1',
        'aria-level': String(depth + 1),
        'aria-label': this.#textOf(node),
        title: this.#textOf(node),
        click: () => this.#open(node),
        focus: () => this.#tell(node),
        mouseenter: () => this.#tell(node),
      },
      printable(node.name),
    );
    // The policy of the page allows no style attributes.
    item.style.left = `${left * 100}%`;
    item.style.width = `${width * 100}%`;
    item.style.top = `${depth * ROW_PX}px`;
    this.#items.set(node, item);
    return item;
  }

  #open(node: Node): void {
    this.#zoom(node);
    this.#focus(node);
  }

  #tell(node: Node): void {
    setText(this.#detail, this.#textOf(node));
  }

  #textOf(node: Node): string {
    const share = this.#root && this.#root.weight > 0 ? (node.weight / this.#root.weight) * 100 : 0;
    const place = node.place === '' ? '' : `  ${node.place}`;
    const spawns = `${node.spawns} ${node.spawns === 1 ? 'spawn' : 'spawns'}`;
    return printable(`${node.name}${place}: ${this.#format(node.weight)}, ${share.toFixed(1)} %, ${spawns}`);
  }

  #focus(node: Node | undefined): void {
    const item = node && this.#items.get(node);
    if (!item) return;
    for (const other of this.#items.values()) other.tabIndex = -1;
    item.tabIndex = 0;
    item.focus({ preventScroll: true });
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [node] = [...this.#items].find(([, item]) => item === event.target) ?? [];
    if (!node) return;
    const siblings = node.parent?.children ?? [];
    const at = siblings.indexOf(node);
    if (event.key === 'ArrowDown') this.#focus(node.children[0]);
    else if (event.key === 'ArrowUp') this.#focus(node.parent);
    else if (event.key === 'ArrowRight') this.#focus(siblings[at + 1]);
    else if (event.key === 'ArrowLeft') this.#focus(siblings[at - 1]);
    else if (event.key === 'Enter' || event.key === ' ') this.#open(node);
    else if (event.key === 'Home' && this.#root) this.#open(this.#root);
    else if (event.key === 'Escape' && this.#root && this.#zoomed !== this.#root) this.#open(this.#root);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** The share of the width, and the number of nodes above. */
interface Place {
  readonly depth: number;
  readonly left: number;
  readonly width: number;
}
