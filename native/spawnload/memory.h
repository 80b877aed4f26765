/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_MEMORY_H
#define SPAWNLOAD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Anonymous memory on small pages, every one written. Exits with a message where there is none. */
void *map_touched(size_t bytes, bool shared);

/* Writes one byte in each of `pages` pages. */
void write_pages(volatile unsigned char *from, size_t pages);

/* What this process holds now, as the kernel says it in /proc/self. */
size_t own_rss_bytes(void);
size_t own_page_table_bytes(void);

#endif
