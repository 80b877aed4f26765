import { ERRORS } from './errors.ts';

/** docs/errors.md. */
export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, { exit, help }]) => `| \`${code}\` | ${exit} | ${help} |`);
  return `<!-- Generated from collector/errors.ts by scripts/generate-docs.ts: do not edit. -->

# Errors

An error is printed to standard error: what was wrong, then what to do, with a code in brackets.

| code | exit status | what to do |
|---|--:|---|
${rows.join('\n')}
`;
}
