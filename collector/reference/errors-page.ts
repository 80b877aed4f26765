import { ERRORS } from '../model/errors.ts';

/** Writes docs/errors.md. */
export function errorsPage(): string {
  const sections = Object.entries(ERRORS).map(([code, { exit, help }]) => {
    return `## \`${code}\`\n\nExit status ${exit}. ${help}\n`;
  });
  return `<!-- Generated from collector/model/errors.ts by scripts/generate-docs.ts: do not edit. -->

# Errors

An error goes to standard error. The first line says what is wrong, and the next one what to do, with a code in brackets.

${sections.join('\n')}`;
}
