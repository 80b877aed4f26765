/* SPDX-License-Identifier: MIT */
/* What a child would fail with, seen beforehand by a look at the file system and the descriptors. */
#ifndef AFORK_ADDON_LOOK_H
#define AFORK_ADDON_LOOK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Whether execvp(file) would find a program to execute, for a child whose directory is cwd (NULL: the caller's) and
 * whose PATH is *path: 0, and *path from the element on at which the search succeeds; or the errno of the chdir() or the
 * exec. No file is opened, so that nothing that guards opens (an antivirus by fanotify) is waited for; what only opening
 * could tell, such as a missing interpreter, is left to the exec.
 */
int look_for_program(const char *cwd, const char *file, const char **path);

/* EBADF if one of the descriptors that are not negative is not open, else 0. */
int look_for_fds(const int *fds, size_t count);

#ifdef __cplusplus
}
#endif
#endif
