/** One problem as it is; several below each other, so that all can be corrected at once. */
export function listed(problems: readonly string[]): string {
  const [only = 'it is wrong', ...more] = problems;
  return more.length === 0
    ? only
    : `${problems.length} problems:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
}
