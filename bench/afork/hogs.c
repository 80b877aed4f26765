/* SPDX-License-Identifier: MIT */
/* hogs COUNT runs this many processes that keep a CPU busy, until standard input ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const int count = argc > 1 ? atoi(argv[1]) : 1;
	const pid_t parent = getpid();
	for (int i = 0; i < count; i++) {
		if (fork() != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		volatile unsigned long spins = 0;
		while (spins++ % 1000000 != 0 || getppid() == parent)
			;
		_exit(0);
	}
	puts("ready");
	fflush(stdout);
	char byte;
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
