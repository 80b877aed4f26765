/* SPDX-License-Identifier: MIT */
/*
 * File actions. glibc keeps them in an array whose layout is its own, the same since 2000 but for tags added at the end.
 * We read it, after a self-test at load that builds one action of each kind and compares; where that does not match, all
 * calls with file actions are glibc's. (To interpose the functions that add them, and keep copies by address, would lose
 * objects that are moved, and would show an action added by other means as none at all.)
 *
 * Each action is tried in the mind: what is the child's descriptor at that point, which of the caller's is it? Files are
 * opened by the caller, in the child's stead.
 */
#include "preload.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#define PROC_MAGIC 0x9fa0 /* linux/magic.h */

enum tag {
	TAG_CLOSE,
	TAG_DUP2,
	TAG_OPEN,
	TAG_CHDIR,
	TAG_FCHDIR,
	TAG_CLOSEFROM,
};

struct __spawn_action { /* named by <spawn.h>, which does not define it */
	enum tag tag;
	union {
		struct {
			int fd, to;
		} dup2;
		struct {
			int fd;
			char *path;
			int flags;
			mode_t mode;
		} open;
		struct {
			char *path;
		} chdir;
		int fd; /* CLOSE, FCHDIR, CLOSEFROM */
	} of;
};

static bool legible; /* file actions are laid out as the struct above says */

/* --- the child's descriptors, before it exists --- */

enum {
	NOT_OPEN = -1,
	TO_BE_OPENED = -2, /* by an action of ours */
};

/* Which of the caller's descriptors the child's fd is when the first `done` actions are done. */
static int source_of(const struct __spawn_action *from, int done, int fd)
{
	while (--done >= 0) {
		const struct __spawn_action *action = &from[done];
		if (action->tag == TAG_OPEN && action->of.open.fd == fd)
			return TO_BE_OPENED;
		if ((action->tag == TAG_CLOSE && action->of.fd == fd) ||
		    (action->tag == TAG_CLOSEFROM && fd >= action->of.fd))
			return NOT_OPEN;
		if (action->tag == TAG_DUP2 && action->of.dup2.to == fd)
			fd = action->of.dup2.fd;
	}
	return raw(SYS_fcntl, fd, F_GETFD) < 0 ? NOT_OPEN : fd;
}

static bool is_allowed_number(int fd)
{
	struct rlimit limit = {0};
	raw(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
	return fd >= 0 && (rlim_t)fd < limit.rlim_cur;
}

/* --- files --- */

/* Neither through a descriptor of this process, nor in /proc, where the child would find its own. */
static long open_plainly(int directory, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	struct statfs system;
	long fd = raw(SYS_openat2, directory, path, &how, sizeof how);
	if (fd >= 0 && (raw(SYS_fstatfs, fd, &system) < 0 || system.f_type == PROC_MAGIC)) {
		raw(SYS_close, fd);
		return -1;
	}
	return fd;
}

static int hide(const struct actions *actions, long fd)
{
	if (fd < 0 || fd >= actions->floor)
		return (int)fd;
	long hidden = raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, actions->floor);
	raw(SYS_close, fd);
	return hidden < 0 ? -1 : (int)hidden;
}

/* /dev/null, zero, full, random and urandom: to open one does nothing. */
static bool is_harmless_device(const struct stat *file)
{
	unsigned number = minor(file->st_rdev);
	return S_ISCHR(file->st_mode) && major(file->st_rdev) == 1 && (number == 3 || number == 5 || number >= 7) &&
	       number <= 9;
}

/* A pipe could make us wait, a terminal could become the child's, a device could do anything. */
static bool is_simple_to_open(int directory, const char *path, int flags)
{
	struct stat file;
	long result = raw(SYS_newfstatat, directory, path, &file, 0);
	if (result < 0)
		return flags & O_CREAT;
	return S_ISREG(file.st_mode) || is_harmless_device(&file);
}

static bool may_enter(int directory)
{
	struct stat file;
	return raw(SYS_fstat, directory, &file) == 0 && S_ISDIR(file.st_mode) &&
	       raw(SYS_faccessat2, directory, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) == 0;
}

/* --- one action --- */

static bool check_open(struct actions *actions, const struct __spawn_action *from)
{
	/* O_EXCL: cannot be tried twice. O_CLOEXEC: what glibc makes of it depends on which numbers are free. */
	const int unclear = O_EXCL | O_CLOEXEC | O_PATH | (O_TMPFILE & ~O_DIRECTORY);
	int flags = from->of.open.flags;
	actions->writes = actions->writes || flags & (O_CREAT | O_TRUNC);
	return !(flags & unclear) && !actions->sweeps && is_allowed_number(from->of.open.fd) &&
	       is_simple_to_open(actions->directory, from->of.open.path, flags);
}

static bool check_chdir(struct actions *actions, size_t index, const char *path)
{
	if (actions->sweeps)
		return false;
	int fd = hide(actions, open_plainly(actions->directory, path, O_PATH | O_DIRECTORY, 0));
	actions->hidden[index] = fd;
	actions->list[index] = (struct afork_action){.type = AFORK_FCHDIR, .fd = fd};
	actions->directory = fd;
	return fd >= 0 && may_enter(fd);
}

static bool check_fchdir(struct actions *actions, size_t index, int source, int fd)
{
	actions->list[index] = (struct afork_action){.type = AFORK_FCHDIR, .fd = fd};
	actions->directory = source;
	return source >= 0 && may_enter(source);
}

static bool check_action(struct actions *actions, const struct __spawn_action *all, size_t index)
{
	const struct __spawn_action *from = &all[index];
	struct afork_action *to = &actions->list[index];
	switch (from->tag) {
	case TAG_CLOSE:
		*to = (struct afork_action){.type = AFORK_CLOSE, .fd = from->of.fd};
		return is_allowed_number(from->of.fd);
	case TAG_DUP2:
		*to = (struct afork_action){.type = AFORK_DUP2, .from = from->of.dup2.fd, .fd = from->of.dup2.to};
		return is_allowed_number(from->of.dup2.to) && source_of(all, (int)index, from->of.dup2.fd) != NOT_OPEN;
	case TAG_OPEN:
		return check_open(actions, from);
	case TAG_CHDIR:
		return check_chdir(actions, index, from->of.chdir.path);
	case TAG_FCHDIR:
		return check_fchdir(actions, index, source_of(all, (int)index, from->of.fd), from->of.fd);
	case TAG_CLOSEFROM:
		*to = (struct afork_action){.type = AFORK_CLOSEFROM, .fd = from->of.fd};
		actions->sweeps = true;
		return from->of.fd >= 0;
	}
	return false;
}

/* --- all --- */

static int highest_number(const struct __spawn_action *action)
{
	if (action->tag == TAG_DUP2)
		return action->of.dup2.fd > action->of.dup2.to ? action->of.dup2.fd : action->of.dup2.to;
	if (action->tag == TAG_OPEN)
		return action->of.open.fd;
	return action->tag == TAG_CLOSE || action->tag == TAG_FCHDIR ? action->of.fd : -1;
}

static bool allocate(struct actions *actions, const struct __spawn_action *from, size_t count)
{
	actions->list = malloc(count * (sizeof *actions->list + sizeof *actions->hidden));
	if (!actions->list)
		return false;
	actions->count = count;
	actions->hidden = (int *)(actions->list + count);
	actions->floor = 3;
	for (size_t i = 0; i < count; i++) {
		int above = highest_number(&from[i]) + 1;
		actions->hidden[i] = -1;
		if (above > actions->floor)
			actions->floor = above;
	}
	return true;
}

enum way actions_check(struct actions *actions, const posix_spawn_file_actions_t *from)
{
	*actions = (struct actions){.directory = AT_FDCWD};
	if (!from || from->__used == 0)
		return WAY_AFORK;
	if (!legible || from->__used < 0)
		return WAY_ACTION;
	if (!allocate(actions, from->__actions, (size_t)from->__used))
		return WAY_ACTION;
	for (size_t i = 0; i < actions->count; i++)
		if (!check_action(actions, from->__actions, i))
			return WAY_ACTION;
	return WAY_AFORK;
}

enum way actions_open(struct actions *actions, const posix_spawn_file_actions_t *from)
{
	int directory = AT_FDCWD;
	for (size_t i = 0; i < actions->count; i++) {
		const struct __spawn_action *action = &from->__actions[i];
		if (action->tag == TAG_CHDIR)
			directory = actions->hidden[i];
		else if (action->tag == TAG_FCHDIR)
			directory = source_of(from->__actions, (int)i, action->of.fd);
		if (action->tag != TAG_OPEN)
			continue;
		int fd = hide(actions, open_plainly(directory, action->of.open.path, action->of.open.flags,
						    action->of.open.mode));
		if (fd < 0)
			return WAY_ACTION;
		actions->hidden[i] = fd;
		actions->list[i] = (struct afork_action){.type = AFORK_DUP2, .from = fd, .fd = action->of.open.fd};
	}
	return WAY_AFORK;
}

void actions_free(struct actions *actions)
{
	for (size_t i = 0; i < actions->count; i++)
		if (actions->hidden[i] >= 0)
			raw(SYS_close, actions->hidden[i]);
	free(actions->list);
}

/* --- the self-test --- */

/* Newer than the oldest glibc that this runs with (2.29, 2.29, 2.34). Where they are missing, no such action is there to read. */
static bool add_newer(posix_spawn_file_actions_t *actions)
{
	int (*addchdir)(posix_spawn_file_actions_t *, const char *);
	int (*addfchdir)(posix_spawn_file_actions_t *, int);
	int (*addclosefrom)(posix_spawn_file_actions_t *, int);
	find_next("posix_spawn_file_actions_addchdir_np", &addchdir);
	find_next("posix_spawn_file_actions_addfchdir_np", &addfchdir);
	find_next("posix_spawn_file_actions_addclosefrom_np", &addclosefrom);
	return (!addchdir || !addchdir(actions, "/b")) && (!addfchdir || !addfchdir(actions, 8)) &&
	       (!addclosefrom || !addclosefrom(actions, 9));
}

static bool holds_what_was_added(const struct __spawn_action *action, int count)
{
	return action[0].tag == TAG_CLOSE && action[0].of.fd == 4 && action[1].tag == TAG_DUP2 &&
	       action[1].of.dup2.fd == 5 && action[1].of.dup2.to == 6 && action[2].tag == TAG_OPEN &&
	       action[2].of.open.fd == 7 && !strcmp(action[2].of.open.path, "/a") &&
	       action[2].of.open.flags == O_APPEND && action[2].of.open.mode == 0123 &&
	       (count < 4 || (action[3].tag == TAG_CHDIR && !strcmp(action[3].of.chdir.path, "/b"))) &&
	       (count < 5 || (action[4].tag == TAG_FCHDIR && action[4].of.fd == 8)) &&
	       (count < 6 || (action[5].tag == TAG_CLOSEFROM && action[5].of.fd == 9));
}

/* At load, for it allocates. Until then nothing is legible. */
__attribute__((constructor)) static void test_layout(void)
{
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	bool added = !posix_spawn_file_actions_addclose(&actions, 4) &&
		     !posix_spawn_file_actions_adddup2(&actions, 5, 6) &&
		     !posix_spawn_file_actions_addopen(&actions, 7, "/a", O_APPEND, 0123) && add_newer(&actions);
	int count = actions.__used;
	legible = added && count >= 3 && count <= 6 && holds_what_was_added(actions.__actions, count);
	posix_spawn_file_actions_destroy(&actions);
}
