/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_LOAD_H
#define SPAWNLOAD_LOAD_H

#include "options.h"
#include "tally.h"

/*
 * Spawns and reaps everything, in as many threads as the options say, and writes the sum to `total`. Calls `begin` just
 * before the first spawn, when everything is ready.
 */
void run_load(const struct options *options, void (*begin)(const struct options *), struct tally *total);

/* Lets the thread that spawned exec, if the options say so. Otherwise returns. */
void after_report(const struct options *options);

#endif
