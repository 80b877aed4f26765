/** Details of events that a command asks for: the kernel reads them only then. */
import type { Engine } from '../model/engine.ts';
import type { EventDetail } from '../model/options.ts';
import type { Output } from '../terminal/output.ts';
import { EVENT_RING_BYTES } from './event-ring.ts';

const NAMES: Readonly<Record<EventDetail, string>> = { arguments: 'Command lines', ancestors: 'Ancestors' };

/** Gives the options of an engine whose events are to carry these details. They make events two to three times as large. */
export function detailOptions(details: readonly EventDetail[]) {
  return details.length > 0 ? { details, ringBytes: 2 * EVENT_RING_BYTES } : { ringBytes: EVENT_RING_BYTES };
}

/** Says which of the details that were asked for the engine cannot give, and why. */
export function tellMissingDetails(engine: Engine, wanted: readonly EventDetail[], output: Output): void {
  const reason = engine.clock ? 'a recording holds none' : `the engine ${engine.name} cannot read them`;
  for (const detail of wanted)
    if (!engine.details?.includes(detail)) output.talk(`${NAMES[detail]} are not shown: ${reason}\n`);
}
