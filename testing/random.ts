/** Gives the same numbers from 0 to 1 in every run, so that failures can be repeated. This is Park and Miller's generator. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
