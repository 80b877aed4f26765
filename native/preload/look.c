/* SPDX-License-Identifier: MIT */
/*
 * The look beforehand: will exec of this file succeed? By stat() and faccessat(), which wait for no one who guards exec
 * (fanotify) and use the credentials, mounts and directories that exec will use. The head of the file is read once.
 */
#include "preload.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

enum {
	FRESH_SECONDS = 10, /* unless AFORK_PRELOAD_FRESH says otherwise */
	DEEPEST = 4,	    /* interpreters of interpreters; the kernel allows a few more */
};

/* Exec is certain to give the same error. With any other, only the exec can tell. */
static enum way way_of_error(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES ? WAY_ANSWERED : WAY_PROGRAM;
}

/* --- what permissions do not show --- */

/* Has the process a label (AppArmor, SELinux, Smack), other than one that says that it is unconfined? */
static bool read_confined(void)
{
	char label[256];
	long fd = raw(SYS_openat, AT_FDCWD, "/proc/thread-self/attr/current", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	long size = raw(SYS_read, fd, label, sizeof label - 1);
	raw(SYS_close, fd);
	if (size <= 0)
		return false;
	label[size] = 0;
	return label[0] && !strstr(label, "unconfined");
}

static bool is_confined(void)
{
	static int answer; /* 0: not asked, 1: no, 2: yes */
	int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);
	if (!known) {
		known = 1 + read_confined();
		__atomic_store_n(&answer, known, __ATOMIC_RELAXED);
	}
	return known == 2;
}

/* Landlock cannot be asked for, but nobody without privilege gets it without no_new_privs. */
static bool policy_may_forbid(void)
{
	return is_confined() || raw(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0 ||
	       raw(SYS_prctl, PR_GET_SECCOMP) != 0;
}

static int fresh_seconds(void)
{
	static int answer = -1;
	int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);
	if (known < 0) {
		const char *text = secure_getenv("AFORK_PRELOAD_FRESH");
		known = text ? 0 : FRESH_SECONDS;
		for (; text && *text >= '0' && *text <= '9' && known < 1000000; text++)
			known = known * 10 + *text - '0';
		__atomic_store_n(&answer, known, __ATOMIC_RELAXED);
	}
	return known;
}

/*
 * Somebody may still have it open for writing (ETXTBSY), be writing more to it, or remove it as soon as we return, for
 * after posix_spawn() that is allowed.
 */
static bool is_fresh(const struct stat *file)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return file->st_ctim.tv_sec > now.tv_sec - fresh_seconds();
}

/* --- one file --- */

static struct known learn(const struct identity *identity, int directory, const char *path)
{
	struct known known;
	if (!known_find(identity, &known)) {
		known = (struct known){.identity = *identity};
		if (format_read(&known, directory, path))
			known_put(&known);
	}
	return known;
}

static struct verdict look_at(int directory, const char *path, int depth);

static bool is_interpreter_good(const struct known *known, int depth)
{
	struct known its;
	if (!known->interpreter[0])
		return true;
	if (depth == DEEPEST)
		return false;
	struct verdict verdict = look_at(AT_FDCWD, known->interpreter, depth + 1);
	if (verdict.way != WAY_AFORK)
		return false;
	/* Only a script may be run by a script. */
	return known->format == FORMAT_SCRIPT || (known_find(&verdict.identity, &its) && its.format == FORMAT_ELF);
}

static enum way judge(const struct known *known, int depth)
{
	if (known->distrusted)
		return WAY_DISTRUST;
	if (known->format == FORMAT_UNKNOWN)
		return known->proven && depth == 0 ? WAY_AFORK : WAY_PROGRAM;
	if (depth == 0 && !known->proven && policy_may_forbid())
		return WAY_POLICY;
	return is_interpreter_good(known, depth) ? WAY_AFORK : WAY_PROGRAM;
}

/* These lead elsewhere in the child, whose descriptors are others. */
static bool depends_on_process(const char *path)
{
	return !strncmp(path, "/proc/", 6) || !strncmp(path, "/dev/", 5);
}

static struct verdict look_at(int directory, const char *path, int depth)
{
	struct verdict verdict = {.way = WAY_PROGRAM};
	struct stat file;
	if (depends_on_process(path))
		return verdict;
	long result = raw(SYS_newfstatat, directory, path, &file, 0);
	if (result == 0)
		/* Says EACCES of a mount with noexec as well. */
		result = S_ISREG(file.st_mode) ? raw(SYS_faccessat2, directory, path, X_OK, AT_EACCESS) : -EACCES;
	if (result < 0) {
		verdict.error = (int)-result;
		verdict.way = way_of_error(verdict.error);
		return verdict;
	}
	verdict.identity = identity_of(&file);
	if (is_fresh(&file)) {
		verdict.way = WAY_FRESH;
		return verdict;
	}
	struct known known = learn(&verdict.identity, directory, path);
	verdict.way = judge(&known, depth);
	return verdict;
}

/* --- along PATH, as glibc's execvpe() --- */

static size_t element_length(const char *path)
{
	return (size_t)(strchrnul(path, ':') - path);
}

static void join(char *to, const char *element, size_t length, const char *file)
{
	memcpy(to, element, length);
	if (length)
		to[length++] = '/';
	strcpy(to + length, file);
}

/* Which program would run if this one did not is unclear, unless there is no other. */
static bool is_last_of_its_name(struct look *look, const char *rest, int directory, const char *file, char *buffer)
{
	for (;;) {
		size_t length = element_length(rest);
		struct stat other;
		if (length >= PATH_MAX)
			return false;
		join(buffer, rest, length, file);
		if (raw(SYS_newfstatat, directory, buffer, &other, 0) == 0) {
			struct identity identity = identity_of(&other);
			if (!identity_equal(&identity, &look->verdict.identity))
				return false;
		}
		if (!rest[length])
			return true;
		rest += length + 1;
	}
}

static void look_along(struct look *look, const char *path, int directory, const char *file)
{
	bool refused = false;
	for (;; path++) {
		size_t length = element_length(path);
		if (length >= PATH_MAX) {
			look->verdict = (struct verdict){.way = WAY_PROGRAM};
			return;
		}
		join(look->path, path, length, file);
		look->verdict = look_at(directory, look->path, 0);
		if (look->verdict.way != WAY_ANSWERED) {
			look->provable = look->verdict.identity.inode &&
					 is_last_of_its_name(look, path, directory, file, look->path);
			join(look->path, path, length, file);
			return;
		}
		refused = refused || look->verdict.error == EACCES;
		path += length;
		if (!*path)
			break;
	}
	if (refused)
		look->verdict.error = EACCES;
}

void look_for(struct look *look, int directory, const char *file, bool search)
{
	look->provable = false;
	look->verdict = (struct verdict){.way = WAY_PROGRAM};
	if (search && *file && !strchr(file, '/')) {
		const char *path = getenv("PATH"); /* the caller's, not that of envp */
		if (strlen(file) <= NAME_MAX)
			look_along(look, path ? path : "/bin:/usr/bin", directory, file);
	} else if (strlen(file) < sizeof look->path) {
		strcpy(look->path, file);
		look->verdict = look_at(directory, file, 0);
		look->provable = look->verdict.identity.inode != 0;
	}
}
