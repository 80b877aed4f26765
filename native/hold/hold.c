// SPDX-License-Identifier: MIT
/*
 * hold FD waits for a request on the descriptor FD and then executes the requested program. The process that started
 * it therefore knows the program's pid before the program runs.
 *
 * A request is its length (4 bytes in the host's byte order), and then that many bytes of strings that each end in NUL:
 *
 *   - the path
 *   - the soft limit of open files, the umask (octal), the user, the group, and the supplementary groups (separated by
 *     commas); an empty string leaves the setting as it is
 *   - the number of arguments, and the arguments
 *   - the environment
 *
 * If the exec fails, hold writes the errno to FD (4 bytes) and reads another request. The exec closes FD. At the end of
 * FD, hold exits: the process that held it has ended.
 *
 * hold --capabilities FILE exits with 0 if executing the file gives capabilities, and with 1 if it does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	MAX_GROUPS = 65536
};

static bool read_all(int fd, void *buffer, size_t size)
{
	for (size_t have = 0; have < size;) {
		ssize_t n = read(fd, (char *)buffer + have, size - have);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		if (n > 0)
			have += n;
	}
	return true;
}

static char *next_string(char **at)
{
	char *string = *at;

	*at += strlen(string) + 1;
	return string;
}

static int limit_files(const char *soft)
{
	struct rlimit limit;

	if (!*soft)
		return 0;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -1;
	limit.rlim_cur = strtoull(soft, NULL, 10);
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static int set_groups(char *list)
{
	static gid_t groups[MAX_GROUPS];
	size_t count = 0;

	for (char *group = strtok(list, ","); group && count < MAX_GROUPS; group = strtok(NULL, ","))
		groups[count++] = strtoul(group, NULL, 10);
	return setgroups(count, groups);
}

/* A request that names a user also names a group and all supplementary groups. */
static int change_user(const char *user, const char *group, char *groups)
{
	gid_t gid = strtoul(group, NULL, 10);
	uid_t uid = strtoul(user, NULL, 10);

	if (!*user)
		return 0;
	if (set_groups(groups) || setresgid(gid, gid, gid))
		return -1;
	return setresuid(uid, uid, uid);
}

/* Makes a list for execve: pointers to at most `count` strings from `at` on. */
static char **list_strings(char **at, const char *end, size_t count)
{
	char **list = calloc(count + 1, sizeof(*list));

	for (size_t i = 0; list && i < count && *at < end; i++)
		list[i] = next_string(at);
	return list;
}

static size_t count_strings(const char *at, const char *end)
{
	size_t count = 0;

	for (; at < end; at += strlen(at) + 1)
		count++;
	return count;
}

/* Executes the request. It returns only after a failure, with errno set. */
static void run(char *at, const char *end)
{
	char *path = next_string(&at), *files = next_string(&at), *mask = next_string(&at);
	char *user = next_string(&at), *group = next_string(&at), *groups = next_string(&at);
	size_t argc = strtoul(next_string(&at), NULL, 10);
	char **argv = list_strings(&at, end, argc);
	char **envp = list_strings(&at, end, count_strings(at, end));

	if (!argv || !envp || limit_files(files))
		return;
	if (*mask)
		umask(strtoul(mask, NULL, 8));
	if (change_user(user, group, groups))
		return;
	execve(path, argv, envp);
}

static int hold(int fd)
{
	uint32_t size;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	while (read_all(fd, &size, sizeof(size))) {
		char *request = malloc(size + 1);
		int error;

		if (!request || !read_all(fd, request, size))
			return 1;
		run(request, request + size);
		error = errno;
		free(request);
		if (write(fd, &error, sizeof(error)) != sizeof(error))
			return 1;
	}
	return 0;
}

static bool gives_capabilities(const char *path)
{
	return getxattr(path, "security.capability", NULL, 0) > 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return hold(atoi(argv[1]));
	if (argc == 3 && !strcmp(argv[1], "--capabilities"))
		return !gives_capabilities(argv[2]);
	fputs("usage: hold FD\n", stderr);
	return 2;
}
