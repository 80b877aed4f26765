/* SPDX-License-Identifier: MIT */
/*
 * libafork-preload.so: posix_spawn(), posix_spawnp(), system(), popen() and their like for an unmodified program, with
 * glibc's contract, by afork_spawn().
 *
 * The one thing that such a call may not do is to report too late: glibc's posix_spawn() returns the error of a missing
 * program, we do not wait for the exec. So every call is looked at beforehand. Where the look says that the child will
 * get to its program, afork makes it. Where it says that it cannot for a reason that is certain, the call returns that
 * error. Wherever it can say neither, glibc's own function does the call: that one is slow, and never wrong.
 */
#ifndef AFORK_PRELOAD_H
#define AFORK_PRELOAD_H

#include "../afork/core/forks.h"
#include "../afork/core/mechanism.h"
#include "../afork/core/signals.h"
#include <spawn.h>
#include <sys/stat.h>

#define EXPORT __attribute__((visibility("default")))

/* Which way a call went: see docs/afork.md. The order is that of the file of AFORK_PRELOAD_STATS. */
enum way {
	WAY_AFORK,     /* by afork_spawn() */
	WAY_ANSWERED,  /* the look found an error: no child */
	WAY_PROCESS,   /* glibc's, as are all below: afork is not for this process */
	WAY_ATTRIBUTE, /* an attribute that only trying can decide */
	WAY_ACTION,    /* a file action that would fail, or that only trying can decide */
	WAY_ARGUMENTS, /* so many that exec might refuse them */
	WAY_FRESH, /* the program was changed seconds ago: its writer may not have closed it, or may remove it again */
	WAY_PROGRAM,  /* unreadable, of a format that we do not know, or with an interpreter of which that is so */
	WAY_POLICY,   /* seccomp, Landlock or the like may forbid it: until this program was seen to run once */
	WAY_DISTRUST, /* this program failed late before */
	WAY_FAILED,   /* afork_spawn() made no child */
	WAY_LATE,     /* not a call: a child of WAY_AFORK that failed after the call had returned */
	WAY_COUNT,
};

/* --- process.c: what holds for the process --- */

typedef int spawn_function(int *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
			   char *const[], char *const[]);

/* The functions behind ours: glibc's, unless another library interposes too. */
struct next {
	spawn_function *posix_spawn, *posix_spawnp, *pidfd_spawn, *pidfd_spawnp;
	int (*system)(const char *);
	FILE *(*popen)(const char *, const char *);
	int (*pclose)(FILE *);
	int (*fclose)(FILE *);
	int (*getcgroup)(const posix_spawnattr_t *, int *);
	bool shell_dashes;	/* system() and popen() call sh -c -- command (glibc 868506eb42) */
	bool popen_tells_errno; /* popen()'s errno is that of the spawn, not always ENOMEM (glibc e7223fa1e8) */
};
const struct next *next(void);
/* Writes the address of the next function of that name to the pointer at `function`: NULL where there is none. */
void find_next(const char *name, void *function);

/* Whether afork may be used by the caller. False also in a copy of the process that our fork() handlers do not know of. */
bool process_usable(void);
/* afork_spawn() by a mechanism that does not wait. */
int process_spawn(struct afork_job **job, struct afork_options *options);
void count(enum way way);

/* --- known.c: what we know of programs --- */

struct identity {
	dev_t device;
	ino_t inode;
	struct timespec changed; /* ctime: nobody can set it */
};

enum format {
	FORMAT_UNKNOWN,
	FORMAT_ELF,
	FORMAT_SCRIPT,
};

struct known {
	struct identity identity;
	enum format format;
	bool proven;	       /* this process has seen it execute */
	bool distrusted;       /* it has failed late */
	char interpreter[256]; /* absolute; empty: none */
};

struct identity identity_of(const struct stat *file);
bool identity_equal(const struct identity *a, const struct identity *b);
bool known_find(const struct identity *identity, struct known *known);
void known_put(const struct known *known);
void known_prove(const struct identity *identity);
void known_distrust(const struct identity *identity);

/* --- format.c --- */

/* Reads what kind of program it is: FORMAT_UNKNOWN when in doubt. False: next time it may be otherwise. */
bool format_read(struct known *known, int directory, const char *path);

/* --- look.c --- */

enum {
	LOOK_PATH_BYTES = 4096 + 256 + 1, /* an entry of PATH, a slash, a name, NUL */
};

struct verdict {
	enum way way; /* WAY_AFORK: it will execute. WAY_ANSWERED: it cannot, with error */
	int error;
	struct identity identity; /* of the program; inode 0: there is none */
};

struct look {
	struct verdict verdict;
	bool provable;		    /* if glibc executes a program now, it is this one */
	char path[LOOK_PATH_BYTES]; /* what to execute */
};

/* directory: the child's, as a descriptor or AT_FDCWD. search: along PATH, as posix_spawnp(). */
void look_for(struct look *look, int directory, const char *file, bool search);

/* --- actions.c --- */

struct actions {
	struct afork_action *list;
	size_t count;
	int *hidden;   /* for each action: a descriptor of ours that it uses, or -1 */
	int floor;     /* hidden descriptors are not below: above all that the actions mention */
	int directory; /* the child's, in the end: a descriptor of this process, or AT_FDCWD */
	bool writes;   /* an action may change a file */
	bool sweeps;   /* a closefrom has been seen: it closes hidden descriptors too */
};

/* Checks that the actions will succeed. Opens nothing yet that could be changed by that. */
enum way actions_check(struct actions *actions, const posix_spawn_file_actions_t *from);
/* Opens the files: here, so that neither an error nor a file removed after the call is news to the child. */
enum way actions_open(struct actions *actions, const posix_spawn_file_actions_t *from);
void actions_free(struct actions *actions);

/* --- attributes.c --- */

enum way attributes_read(struct afork_options *options, const posix_spawnattr_t *attributes, uint64_t mask);
enum way arguments_check(const char *file, char *const argv[], char *const envp[]);

/* --- children.c: those that have not executed yet --- */

/* All with signals blocked. children_add takes the job over. */
void children_add(struct afork_job *job, const struct identity *identity);
void children_sweep(void);
/*
 * Whether one of them may have copies of descriptors that the caller has closed since. Exec leaves our memory first, and
 * closes files when it is all but done: so for a while after that, too. With any signals.
 */
bool children_may_hold_files(void);

/* --- spawn.c --- */

struct request {
	int *pid; /* or where the pidfd goes */
	const char *file;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attributes;
	char *const *argv, *const *envp;
	bool search, pidfd;
};

int spawn_request(const struct request *request);

/* --- the locks of the parts, for the fork() handlers: see forks.h --- */

enum {
	FORKS_KNOWN = FORKS_WORKERS + 1,
	FORKS_CHILDREN,
	FORKS_SYSTEM,
	FORKS_POPEN,
};

#endif
