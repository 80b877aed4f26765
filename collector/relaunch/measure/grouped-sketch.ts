import type { Mechanism } from '../../model/spawn.ts';
import { Sketch } from '../../model/sketch.ts';

/** A program, and one of the mechanisms by which it spawns. */
export interface Group {
  readonly comm: string;
  readonly mechanism: Mechanism;
}

/** One sketch of all values, and one for each group. */
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

  /** Gives the sketch of a group, or of all values if no group is given. */
  of(group?: Group): Sketch | undefined {
    return group ? this.#groups.get(keyOf(group)) : this.#all;
  }
}

function keyOf({ comm, mechanism }: Group): string {
  return `${mechanism} ${comm}`;
}
