/** From here on rows that were long unused give way, in both engines. */
export function isNearlyFull(rows: number, capacity: number): boolean {
  return rows >= capacity * 0.9;
}
