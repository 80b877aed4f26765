/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_PATH */
#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int look_at_directory(const char *cwd, int *directory)
{
	*directory = AT_FDCWD;
	if (!cwd)
		return 0;
	*directory = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*directory < 0)
		return errno;
	return faccessat(*directory, ".", X_OK, AT_EACCESS) ? errno : 0;
}

/* The errors of execve() that depend on the path alone. */
static int look_at_file(int directory, const char *file)
{
	struct stat status;

	if (faccessat(directory, file, X_OK, AT_EACCESS) || fstatat(directory, file, &status, 0))
		return errno;
	return S_ISREG(status.st_mode) ? 0 : EACCES;
}

/* After which errors execvp() goes on to the next element of PATH. */
static int is_search_going_on(int error)
{
	return error == EACCES || error == ENOENT || error == ESTALE || error == ENOTDIR || error == ENODEV ||
	       error == ETIMEDOUT;
}

/* One element of PATH, an empty one being the current directory, and file; false if that is too long. */
static int join(char joined[PATH_MAX], const char *element, size_t length, const char *file)
{
	const size_t slash = length > 0 ? 1 : 0, file_length = strlen(file);

	if (length + slash + file_length >= PATH_MAX)
		return 0;
	memcpy(joined, element, length);
	joined[length] = '/';
	memcpy(joined + length + slash, file, file_length + 1);
	return 1;
}

static int search(int directory, const char *file, const char **path)
{
	char joined[PATH_MAX];
	int denied = 0;

	if (strlen(file) > NAME_MAX)
		return ENAMETOOLONG;
	for (const char *element = *path;;) {
		const size_t length = strcspn(element, ":");
		const int error = join(joined, element, length, file) ? look_at_file(directory, joined) : ENOENT;

		if (error == 0)
			*path = element;
		if (error == 0 || !is_search_going_on(error))
			return error;
		denied |= error == EACCES;
		if (element[length] == '\0')
			return denied ? EACCES : error;
		element += length + 1;
	}
}

int look_for_program(const char *cwd, const char *file, const char **path)
{
	int directory, error = look_at_directory(cwd, &directory);

	if (!error)
		error = strchr(file, '/') ? look_at_file(directory, file) : search(directory, file, path);
	if (directory >= 0)
		close(directory);
	return error;
}

int look_for_fds(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0 && fcntl(fds[i], F_GETFD) < 0)
			return EBADF;
	}
	return 0;
}
