/* SPDX-License-Identifier: MIT */
/*
 * lease FILE: has FILE leased until its standard input ends, and says "leased" when it is. Whoever opens FILE meanwhile, be it
 * to execute it, waits for that, or for the 45 s of /proc/sys/fs/lease-break-time.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char byte;
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	signal(SIGIO, SIG_IGN); /* somebody waits */
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK)) {
		perror("lease");
		return 1;
	}
	puts("leased");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
