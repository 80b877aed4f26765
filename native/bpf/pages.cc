/* SPDX-License-Identifier: MIT */
#include "pages.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace forktax
{
namespace
{

struct Mapping {
	unsigned long begin = 0, end = 0, inode = 0;
	bool writable = true;
};

/* The first line of a mapping in proc_pid_smaps(5): addresses, permissions, offset, device, inode, path. Leaves `ret` alone on others. */
bool read_mapping(const char *line, Mapping *ret)
{
	Mapping read;
	char permissions[5];
	if (sscanf(line, "%lx-%lx %4s %*x %*s %lu", &read.begin, &read.end, permissions, &read.inode) != 4)
		return false;
	read.writable = permissions[1] == 'w';
	*ret = read;
	return true;
}

} // namespace

int release_pages()
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
	struct stat executable;
	if (stat("/proc/self/exe", &executable) != 0)
		return errno;
	FILE *smaps = fopen("/proc/self/smaps", "re");
	if (!smaps)
		return errno;
	int error = 0;
	Mapping mapping;
	unsigned long private_kib = 0, swapped_kib;
	char line[512];
	while (fgets(line, sizeof line, smaps)) {
		if (read_mapping(line, &mapping) || sscanf(line, "Anonymous: %lu", &private_kib) == 1)
			continue;
		/* A private page that is in swap space is not in "Anonymous". The line "Swap" comes after it. */
		if (sscanf(line, "Swap: %lu", &swapped_kib) != 1)
			continue;
		if (private_kib + swapped_kib != 0 || mapping.writable || mapping.inode != executable.st_ino)
			continue;
		if (madvise(reinterpret_cast<void *>(mapping.begin), mapping.end - mapping.begin, MADV_DONTNEED) != 0)
			error = errno;
	}
	fclose(smaps);
	return error;
}

} // namespace forktax
