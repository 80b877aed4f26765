/** The size of the kernel's event buffer for commands that read every event: room for a burst of about 16,000. */
export const EVENT_RING_BYTES = 1 << 22;
