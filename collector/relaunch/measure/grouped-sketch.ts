import type { Mechanism } from '../../model/spawn.ts';
import { Sketch } from '../../model/sketch.ts';

export interface Group {
  readonly comm: string;
  readonly mechanism: Mechanism;
}

/** A sketch of all values, and one of each name and mechanism. */
export class GroupedSketch {
  readonly #all = new Sketch();
  readonly #groups = new Map<string, Sketch>();

  add(group: Group, value: number): void {
    const key = keyOf(group);
    const sketch = this.#groups.get(key) ?? new Sketch();
    this.#groups.set(key, sketch);
    sketch.add(value);
    this.#all.add(value);
  }

  /** Of all without a group. */
  of(group?: Group): Sketch | undefined {
    return group ? this.#groups.get(keyOf(group)) : this.#all;
  }
}

function keyOf({ comm, mechanism }: Group): string {
  return `${mechanism} ${comm}`;
}
