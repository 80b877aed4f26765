/* SPDX-License-Identifier: MIT */
/* Loads the probes as the core engine does, without Node.js, whose start would take most of an emulated machine's time. */
#ifndef INSTRUCTIONS_WATCH_H
#define INSTRUCTIONS_WATCH_H

/*
 * Reads the plan: lines of `way NAME`, and after each the lines of its programs in the order in which they are attached,
 * `program NAME [TARGET]`. Loads and attaches those of this way, with the constants in the folder `rodata`, a file for each.
 * Exits with a message if it cannot.
 */
void watch(const char *way);
void unwatch(void);

#endif
