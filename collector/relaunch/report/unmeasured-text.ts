import type { ForktaxError } from '../../model/errors.ts';
import type { Plan } from '../plan/plan.ts';

/** Says why a run could not be measured, and what to do. */
export function unmeasuredText({ message, code }: ForktaxError): string {
  const remedy = code === 'FORKTAX_NO_PRIVILEGE' ? 'run as root, or see forktax doctor' : 'see forktax doctor';
  return `not measured: ${message}; ${remedy}`;
}

/** The one line that is printed before a program runs unmeasured. */
export function unmeasuredNotice({ choice }: Plan, why: ForktaxError): string {
  return `forktax: via ${choice.via}: ${choice.reason}; ${unmeasuredText(why)}\n`;
}
