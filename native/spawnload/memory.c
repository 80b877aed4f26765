/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *map_touched(size_t bytes, bool shared)
{
	int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "%zu bytes of memory", bytes);
	/* A kernel without huge pages refuses this, and uses small pages anyway. */
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	memset(memory, 1, bytes);
	return memory;
}

void write_pages(volatile unsigned char *from, size_t pages)
{
	size_t page_bytes = sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < pages; i++)
		from[i * page_bytes]++;
}

static const char *read_proc(const char *path, char *text, size_t length)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? -1 : read(file, text, length - 1);

	if (got < 0)
		err(1, "%s", path);
	close(file);
	text[got] = 0;
	return text;
}

size_t own_rss_bytes(void)
{
	char text[256];
	size_t pages = 0;

	if (sscanf(read_proc("/proc/self/statm", text, sizeof(text)), "%*u %zu", &pages) != 1)
		errx(1, "/proc/self/statm: %s", text);
	return pages * sysconf(_SC_PAGESIZE);
}

size_t own_page_table_bytes(void)
{
	char text[4096];
	const char *line = strstr(read_proc("/proc/self/status", text, sizeof(text)), "VmPTE:");

	return line ? strtoul(line + strlen("VmPTE:"), NULL, 10) * 1024 : 0;
}
