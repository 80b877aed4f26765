/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_MEMORY_H
#define SPAWNLOAD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Maps anonymous memory on small pages, and writes each page. Exits with a message if there is no memory. */
void *map_touched(size_t bytes, bool shared);

/* Writes one byte in each of `pages` pages. */
void write_pages(volatile unsigned char *from, size_t pages);

/* Returns the resident memory of this process, from /proc/self. */
size_t own_rss_bytes(void);
size_t own_page_table_bytes(void);

#endif
