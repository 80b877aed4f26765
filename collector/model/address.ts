/**
 * The usual range for exporters, 9100-9999, is full, and no exporter is known to use this port. clone3, the newest of
 * the calls that are measured here, is system call 435.
 */
export const DEFAULT_PORT = 19435;

/** Where a collector with no other setting answers on its own host. */
export const DEFAULT_URL = `http://127.0.0.1:${DEFAULT_PORT}`;
