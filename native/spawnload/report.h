/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_REPORT_H
#define SPAWNLOAD_REPORT_H

#include <stdio.h>

#include "options.h"
#include "tally.h"

/* Writes one line of JSON. spawnload.ts has its type. */
void report(FILE *out, const struct options *options, const struct tally *tally, size_t page_table_bytes);

#endif
