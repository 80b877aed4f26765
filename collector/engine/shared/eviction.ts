/** Whether a table is so full that rows that were long unused are removed. Both engines use this. */
export function isNearlyFull(rows: number, capacity: number): boolean {
  return rows >= capacity * 0.9;
}
