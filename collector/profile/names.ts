/** What a call site is called, in every output. */
import type { CallSite } from '../model/call-sites.ts';
import { frameName } from '../model/frames.ts';

/** How a stack that is not complete begins; undefined for one that is. */
export const unknownCaller = ({ end }: CallSite): string | undefined => (end === 'complete' ? undefined : `[${end}]`);

/** The names from the spawner to the innermost frame. */
export function pathOf(site: CallSite): readonly string[] {
  const unknown = unknownCaller(site);
  return [site.comm, ...(unknown === undefined ? [] : [unknown]), ...site.frames.toReversed().map(frameName)];
}
