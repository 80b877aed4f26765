/* SPDX-License-Identifier: MIT */
/* What a child would fail with, seen beforehand by a look at the file system and the descriptors. */
#ifndef AFORK_ADDON_LOOK_H
#define AFORK_ADDON_LOOK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct found {
	int directory; /* the child's, or -1: the caller's, or it could not be opened */
	int program;   /* or -1: it could not be opened */
	int is_blind;  /* the look could not be had: 0 says nothing, and the exec has to tell */
};

/*
 * Whether execvp(file) would find a program to execute, for a child whose directory is cwd (NULL: the caller's) and
 * whose PATH is *path: 0, and *path from the element on at which the search succeeds; or the errno of the chdir() or the
 * exec. Both are opened by O_PATH, which nothing that guards opens (an antivirus by fanotify) is asked about; what only
 * opening could tell, such as a missing interpreter, is left to the exec.
 */
int look_for_program(const char *cwd, const char *file, const char **path, struct found *found);
void found_close(struct found *found);

/* EBADF if one of the descriptors that are not negative is not open, else 0. */
int look_for_fds(const int *fds, size_t count);

#ifdef __cplusplus
}
#endif
#endif
