/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_LOAD_H
#define SPAWNLOAD_LOAD_H

#include "options.h"
#include "tally.h"

/*
 * Spawns and reaps everything, in as many threads as the options say, and leaves the sum of it in `total`. `begin` is
 * called when all is ready, just before the first spawn.
 */
void run_load(const struct options *options, void (*begin)(const struct options *), struct tally *total);

#endif
