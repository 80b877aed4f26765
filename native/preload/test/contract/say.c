/* SPDX-License-Identifier: MIT */
/* What a case saw. */
#include "contract.h"
#include <dirent.h>
#include <grp.h>
#include <stdarg.h>

/* Into the pipe that run_case() has opened; always one line. */
void say(const char *format, ...)
{
	char text[4096];
	va_list arguments;
	va_start(arguments, format);
	int size = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (size > (int)sizeof text - 1)
		size = sizeof text - 1;
	for (int i = 0; i < size; i++)
		if (text[i] == '\n' || text[i] == '\t')
			text[i] = '|';
	if (write(200, text, (size_t)size) != size)
		_exit(3);
}

void say_status(int status)
{
	if (WIFEXITED(status))
		say(" exit %d", WEXITSTATUS(status));
	else
		say(" signal %d", WTERMSIG(status));
}

void say_file(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		say(" (no %s: %d)", path, errno);
		return;
	}
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	text[size > 0 ? size : 0] = 0;
	say(" «%s»", text);
}

/* What is ignored without 32 and 33, libc's own: glibc before 2.37 makes children of posix_spawn() ignore them, by accident. */
static void print_signals(FILE *to)
{
	char line[256];
	FILE *from = fopen("/proc/self/status", "re");
	while (from && fgets(line, sizeof line, from)) {
		unsigned long long bits;
		char name[8];
		if (sscanf(line, "Sig%3s:%llx", name, &bits) == 2 && (!strcmp(name, "Blk") || !strcmp(name, "Ign")))
			fprintf(to, " %s %llx", name, name[0] == 'I' ? bits & ~(3ull << 31) : bits);
	}
	if (from)
		fclose(from);
}

static void print_descriptors(FILE *to)
{
	char path[64], target[256];
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t size = readlink(path, target, sizeof target - 1);
		if (size < 0 || fd == 200 || fd == fileno(to))
			continue;
		target[size] = 0;
		target[strcspn(target, ":")] = 0; /* pipe:[number] */
		fprintf(to, " %d%s=%s", fd, fcntl(fd, F_GETFD) & FD_CLOEXEC ? "e" : "", target);
	}
}

static void say_printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);
	print(memory);
	fclose(memory);
	say("%s", text);
	free(text);
}

void say_signals(void)
{
	say_printed(print_signals);
}

void say_descriptors(void)
{
	say_printed(print_descriptors);
}

int show(void)
{
	char text[4096];
	/* First: stdout may be whatever the caller chose. */
	FILE *to = fdopen(dup2(1, 201), "we");
	if (!to)
		return 9;
	fcntl(201, F_SETFD, FD_CLOEXEC);
	close(200);
	printf("%s", "");
	fprintf(to, "fds");
	print_descriptors(to);
	print_signals(to);
	fprintf(to, " cwd %s group %s session %s", getcwd(text, sizeof text) ? text : "?",
		getpgrp() == getpid()		  ? "own"
		: getpgrp() == getpgid(getppid()) ? "parent's"
						  : "other",
		getsid(0) == getpid() ? "own" : "other");
	fprintf(to, " umask %o uid %d/%d scheduler %d", umask(0), getuid(), geteuid(), sched_getscheduler(0));
	fflush(to);
	return 7;
}

/* --- spawns --- */

static void say_output(int fd)
{
	char text[4096];
	size_t size = 0;
	ssize_t more;
	while (size < sizeof text - 1 && (more = read(fd, text + size, sizeof text - 1 - size)) > 0)
		size += (size_t)more;
	text[size] = 0;
	say(" «%s»", text);
}

static int call(const struct spawn *spawn, pid_t *pid)
{
	const char *only[] = {spawn->file, NULL};
	char *const *argv = (char *const *)(spawn->argv ? spawn->argv : only);
	char *const *envp = spawn->envp ? spawn->envp : environ;
	return (spawn->search ? posix_spawnp : posix_spawn)(pid, spawn->file, spawn->actions, spawn->attributes, argv,
							    envp);
}

/* The child's 1 and 2 are the caller's, so these are a pipe meanwhile. */
void say_spawn(const struct spawn *spawn)
{
	int ends[2], kept[2] = {fcntl(1, F_DUPFD_CLOEXEC, 210), fcntl(2, F_DUPFD_CLOEXEC, 210)}, status;
	pid_t pid = -5;
	if (pipe2(ends, O_CLOEXEC))
		_exit(3);
	int read_end = fcntl(ends[0], F_DUPFD_CLOEXEC, 220);
	dup2(ends[1], 1);
	dup2(ends[1], 2);
	close(ends[0]);
	close(ends[1]);
	errno = 0;
	int error = call(spawn, &pid);
	dup2(kept[0], 1);
	dup2(kept[1], 2);
	close(kept[0]);
	close(kept[1]);
	if (error) {
		say(" error %d pid %d", error, pid);
		say(" children %d", waitpid(-1, &status, WNOHANG)); /* the failed one has been reaped */
	} else {
		say_output(read_end);
		if (waitpid(pid, &status, 0) == pid)
			say_status(status);
		else
			say(" waitpid errno %d", errno);
	}
	close(read_end);
}

void say_shell(const char *command, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	say_spawn(&(struct spawn){.file = "/bin/sh", .argv = argv, .actions = actions, .attributes = attributes});
}

void say_show(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
	const char *const argv[] = {"contract", "show", NULL};
	say_spawn(&(struct spawn){.file = self, .argv = argv, .actions = actions, .attributes = attributes});
}

/* --- files --- */

void make_file(const char *path, mode_t mode, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, content, strlen(content)) < 0 || fchmod(fd, mode))
		say(" (cannot make %s)", path);
	close(fd);
}

void copy_file(const char *from, const char *path, mode_t mode)
{
	char bytes[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t size;
	while ((size = read(in, bytes, sizeof bytes)) > 0)
		if (write(out, bytes, (size_t)size) != size)
			say(" (cannot copy %s)", path);
	fchmod(out, mode);
	close(in);
	close(out);
}

bool be_nobody(void)
{
	if (setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0)
		return true;
	say("without root");
	return false;
}
