// SPDX-License-Identifier: MIT
/*
 * Maps files as code, whatever they hold: map FILE... Prints the address of each, in hexadecimal, 0 for one that is empty. Ends when
 * standard input does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat status;
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		void *place = MAP_FAILED;

		if (fd >= 0 && fstat(fd, &status) == 0)
			place = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		printf("%lx\n", place == MAP_FAILED ? 0UL : (unsigned long)place);
		close(fd);
	}
	fflush(stdout);
	while (getchar() != EOF) {
	}
	return 0;
}
