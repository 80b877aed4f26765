/* SPDX-License-Identifier: MIT */
/*
 * prepare small|huge PROGRAM ARGUMENT… runs the program with or without transparent huge pages, and with the largest allowed
 * number of open files. If the system's default is "madvise", the program must still ask for huge pages.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (strcmp(argv[1], "small") == 0)
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
