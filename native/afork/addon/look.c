/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_PATH */
#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Older sandboxes answer EPERM for system calls that they do not know, such as faccessat2. */
static int is_forbidden(int error)
{
	return error == EPERM || error == ENOSYS;
}

static int may_execute(int directory, const char *file)
{
	if (faccessat(directory, file, X_OK, AT_EACCESS) == 0)
		return 0;
	/* Who has the same real and effective ids, as almost everybody, needs no faccessat2. */
	if (is_forbidden(errno) && geteuid() == getuid() && getegid() == getgid() &&
	    syscall(SYS_faccessat, directory, file, X_OK) == 0)
		return 0;
	return errno;
}

static int look_at_directory(const char *cwd, int *directory)
{
	if (!cwd)
		return 0;
	*directory = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*directory < 0)
		return errno;
	return may_execute(*directory, ".");
}

/* The errors of execve() that depend on the path alone. */
static int look_at_file(int directory, const char *file)
{
	struct stat status;
	const int error = may_execute(directory, file);

	if (error)
		return error;
	if (fstatat(directory, file, &status, 0))
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

static int search(int directory, const char *file, const char **path, char joined[PATH_MAX])
{
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

static int look(const char *cwd, const char *file, const char **path, struct found *found)
{
	char joined[PATH_MAX];
	const int is_path = strchr(file, '/') != NULL;
	int error = look_at_directory(cwd, &found->directory);
	const int directory = cwd ? found->directory : AT_FDCWD;

	if (!error)
		error = is_path ? look_at_file(directory, file) : search(directory, file, path, joined);
	if (!error)
		found->program = openat(directory, is_path ? file : joined, O_PATH | O_CLOEXEC);
	return error;
}

int look_for_program(const char *cwd, const char *file, const char **path, struct found *found)
{
	*found = (struct found){-1, -1, 0};
	const int error = look(cwd, file, path, found);

	if (error)
		found_close(found);
	found->is_blind = is_forbidden(error) || error == EMFILE || error == ENFILE;
	return found->is_blind ? 0 : error;
}

void found_close(struct found *found)
{
	if (found->directory >= 0)
		close(found->directory);
	if (found->program >= 0)
		close(found->program);
	found->directory = found->program = -1;
}

int look_for_fds(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0 && fcntl(fds[i], F_GETFD) < 0)
			return EBADF;
	}
	return 0;
}
