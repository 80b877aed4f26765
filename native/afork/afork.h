/* SPDX-License-Identifier: MIT */
/*
 * afork: an asynchronous vfork. Linux, x86-64 and arm64.
 *
 * fork() costs O(resident memory). vfork() and posix_spawn() cost O(1), but the caller stands still until the child has
 * executed its program. Here the child runs in the parent's memory as after vfork(), on a stack of its own, beside a
 * parent that goes on at once: clone(CLONE_VM) without CLONE_VFORK. docs/afork.md lists the hazards of that, and how
 * each is met.
 *
 *   afork_spawn()     says what the child shall be and runs no code of yours. Use this one.
 *   afork(), aforkx() run a function of yours in the child.
 *   emulated_afork()  the same by a thread that blocks in vfork(): portable, slower.
 *   avfork()          the same by workers that were vforked beforehand.
 *   afork_popen()     popen() that does not wait for the shell to start.
 *
 * All functions are thread-safe; but one job is for one thread at a time. None may be called from a signal handler, or from
 * the child of any of them.
 *
 * While a child is on its way to exec, two things hold that a caller of posix_spawn() never notices:
 *   - the child has copies of all the caller's descriptors, close-on-exec ones too. A program file that was written a
 *     moment ago may be busy (ETXTBSY), a pipe may not end yet, a flock() may not be free yet. As with fork() in any
 *     process with threads;
 *   - it has the caller's credentials, and its memory. Do not drop privileges until afork_job_wait_exec() has returned.
 */
#ifndef AFORK_H
#define AFORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define AFORK_VERSION "0.1.0"

/* How a child came to be, from the best to the last resort. */
enum afork_mechanism {
	AFORK_ANY = 0,	  /* demanded: the best that is safe here. Reported: nothing has been spawned yet */
	AFORK_CLONE3 = 1, /* clone3(CLONE_VM | CLONE_CLEAR_SIGHAND), own stack: the caller waits for nothing */
	AFORK_CLONE = 2,  /* clone(CLONE_VM), own stack, for kernels and sandboxes without clone3 */
	AFORK_VFORK = 3,  /* clone(CLONE_VM | CLONE_VFORK): the caller waits for the exec, as in posix_spawn() */
	AFORK_FORK = 4,	  /* memory copied; the caller waits for the exec as well, as in libuv up to 1.52 */
	AFORK_THREAD = 5, /* emulated_afork(): vfork() in a thread */
	AFORK_WORKER = 6, /* avfork(): a worker vforked beforehand */
};

/*
 * The mechanism of the calling thread's last successful call. A fallback changes no behaviour, only the cost: a program
 * that is here for the cost should assert this. The environment variable AFORK_MECHANISM=clone3|clone|vfork|fork, read
 * once, is the best that AFORK_ANY will use: for an operator who must rule one out.
 */
enum afork_mechanism afork_last_mechanism(void);
const char *afork_mechanism_name(enum afork_mechanism mechanism); /* "clone3", "clone", … */

/* ------------------------------------------------------------------------------------------- afork_spawn ---------- */

/* What the child does to its descriptors, directory and terminal, in the order of the list, as in posix_spawn(). */
enum afork_action_type {
	AFORK_OPEN = 1,	     /* open path with flags and mode, as descriptor fd (which is closed first) */
	AFORK_CLOSE = 2,     /* close fd; no error if it is not open */
	AFORK_DUP2 = 3,	     /* make fd a copy of from. Equal numbers: clear its close-on-exec flag */
	AFORK_CHDIR = 4,     /* change to path */
	AFORK_FCHDIR = 5,    /* change to the directory open as fd */
	AFORK_CLOSEFROM = 6, /* close fd and all above */
	AFORK_TCSETPGRP = 7, /* make the child's process group the foreground one of the terminal open as fd */
	AFORK_SETCTTY = 8,   /* make the terminal open as fd the controlling one (after AFORK_SETSID) */
};

struct afork_action {
	enum afork_action_type type;
	int fd;
	int from;	  /* DUP2 */
	int flags;	  /* OPEN: as open(2) */
	mode_t mode;	  /* OPEN */
	const char *path; /* OPEN, CHDIR */
};

struct afork_rlimit {
	int resource; /* RLIMIT_… */
	uint64_t soft, hard;
};

/* Entries of fd_map that are no descriptor of the parent. */
#define AFORK_FD_KEEP (-1)  /* whatever is open there, unless it is close-on-exec */
#define AFORK_FD_NULL (-2)  /* /dev/null, for reading and writing */
#define AFORK_FD_CLOSE (-3) /* closed */

/* Flags of struct afork_options. */
#define AFORK_SEARCH_PATH (1u << 0)	/* look file up along path, as execvp(): only when it has no slash */
#define AFORK_SHELL_FALLBACK (1u << 1)	/* ENOEXEC: run the file by /bin/sh, as execvp() */
#define AFORK_SETSID (1u << 2)		/* new session */
#define AFORK_SETPGROUP (1u << 3)	/* setpgid(0, pgroup) */
#define AFORK_FOREGROUND (1u << 4)	/* tcsetpgrp(terminal, the child's group), before the fd map */
#define AFORK_SETMASK (1u << 5)		/* signal mask = signal_mask; without it the caller's at the call */
#define AFORK_SETUID (1u << 6)		/* real, effective and saved user = uid */
#define AFORK_SETGID (1u << 7)		/* real, effective and saved group = gid */
#define AFORK_SETGROUPS (1u << 8)	/* supplementary groups = groups[group_count]; 0 drops all */
#define AFORK_SETCGROUP (1u << 9)	/* born in the cgroup (v2) whose directory is open as cgroup_fd */
#define AFORK_SETSCHED (1u << 10)	/* sched_setscheduler(sched_policy, sched_priority) */
#define AFORK_STDIO_BLOCKING (1u << 11) /* clear O_NONBLOCK on 0, 1 and 2 where fd_map sets them */
#define AFORK_DOORBELL (1u << 12)	/* give a doorbell: see afork_job_doorbell() */
/*
 * Leave the copying of the descriptor table (5 ns a descriptor) to the child. The caller must then neither close nor
 * replace any descriptor that the child is to have until afork_job_state() is no longer AFORK_STARTING. Not with
 * AFORK_DOORBELL: EINVAL.
 */
#define AFORK_DEFER_FDS (1u << 13)
/*
 * No pidfd, for a caller that waits by pid: a descriptor that appears beside its own would upset who counts on getting
 * the lowest free number.
 */
#define AFORK_NO_PIDFD (1u << 14)
/*
 * The child has the descriptors of fd_map, what actions open, and no others: those at and above fd_map_count (at least
 * 3) and, in the map, AFORK_FD_KEEP ones that are close-on-exec are closed before anything else is done. So the child never keeps a
 * socket, pipe or file open that the caller closes. The child copies the table itself, as with AFORK_DEFER_FDS, but the
 * caller may close what it gave at once. Without AFORK_DOORBELL the call returns when the child has its table, which takes a
 * processor that is free to run it, and no file system; with it the library holds copies until then: see afork_job_settle(). Actions see no other
 * descriptors either. Where the system has no close_range() (Linux 5.9), only close-on-exec closes, at the exec.
 */
#define AFORK_ONLY_GIVEN (1u << 15)
/* ETXTBSY: try again, for a tenth of a second. Somebody who wrote the program may be about to close it. */
#define AFORK_RETRY_BUSY (1u << 16)
#define AFORK_CWD_FD (1u << 17) /* the child's directory is the one open as cwd_fd, also if it has been removed since */
/*
 * The program that file, or the first candidate, names is the one open (O_PATH) as file_fd. If the name no longer leads to it at
 * the exec, because it was removed or replaced, the child executes file_fd all the same. Scripts cannot be executed so.
 */
#define AFORK_FILE_FD (1u << 18)

/*
 * Zero the struct, set size, then what you need: `struct afork_options o = {.size = sizeof o, .file = "/bin/true"};`.
 * All of it, strings included, is copied before afork_spawn() returns. Signal sets are bit masks: 1 << (signal - 1).
 *
 * The child's order: cgroup (where the kernel did not do it at birth), session, group, foreground, scheduler, signals to
 * default, cwd, fd map, actions, rlimits, groups, gid, uid, signal mask, exec.
 */
struct afork_options {
	size_t size; /* sizeof(struct afork_options) of the caller */
	uint32_t flags;
	enum afork_mechanism mechanism; /* AFORK_ANY, or the one to use (CLONE3 to FORK), else fail with ENOTSUP */

	/* The program; relative to the child's cwd. Or several, NULL-terminated, tried in turn as execvp() tries PATH. */
	const char *file;
	const char *const *candidates;
	/* For AFORK_SEARCH_PATH. NULL: PATH of envp, and without one "/bin:/usr/bin". */
	const char *path;
	/* NULL: {file, NULL}; the caller's environ; the caller's directory. */
	const char *const *argv;
	const char *const *envp;
	const char *cwd;

	/*
	 * The child's descriptor i is the caller's fd_map[i], as it was at the call: a swap works. Descriptors above stay,
	 * except close-on-exec ones.
	 */
	const int *fd_map;
	size_t fd_map_count;
	const struct afork_action *actions;
	size_t action_count;

	/* All handlers become SIG_DFL in any case. Ignored signals stay ignored, unless they stand here. */
	uint64_t signals_default;
	uint64_t signal_mask;

	pid_t pgroup; /* 0: a group of its own */
	int terminal;
	const struct afork_rlimit *rlimits;
	size_t rlimit_count;
	int sched_policy;
	int sched_priority;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t group_count;
	int cgroup_fd;
	int cwd_fd;
	int file_fd;
};

/* The step at which a child failed. */
enum afork_step {
	AFORK_STEP_NONE = 0,
	AFORK_STEP_CGROUP,
	AFORK_STEP_FDS, /* unsharing the descriptor table */
	AFORK_STEP_SETSID,
	AFORK_STEP_SETPGROUP,
	AFORK_STEP_FOREGROUND,
	AFORK_STEP_SCHED,
	AFORK_STEP_CWD,
	AFORK_STEP_FD_MAP, /* index: the child's descriptor */
	AFORK_STEP_ACTION, /* index: into actions */
	AFORK_STEP_RLIMIT, /* index: into rlimits */
	AFORK_STEP_SETGROUPS,
	AFORK_STEP_SETGID,
	AFORK_STEP_SETUID,
	AFORK_STEP_EXEC,
};
const char *afork_step_name(enum afork_step step); /* "exec", "fd map", … */

struct afork_failure {
	int error; /* errno; 0: no failure */
	enum afork_step step;
	int index; /* see enum afork_step; else 0 */
};

enum afork_state {
	AFORK_STARTING = 0, /* still in the caller's memory */
	AFORK_STARTED = 1,  /* it executed its program (or was killed before: its exit status tells) */
	AFORK_FAILED = 2,   /* a step failed; it has exited, or is about to, with status 127 */
};

/* One child. Free it with afork_job_free() at any time; the child does not mind. */
struct afork_job;

/*
 * Starts a child and returns at once: neither its set-up nor its exec is waited for, however slow.
 * Returns 0 and a job; or an errno, and there is no child: EINVAL (options that make no sense), E2BIG (a newer struct
 * with members set that this library does not know), EAGAIN (process limits), EMFILE, ENFILE, ENOMEM, EBADF (cgroup_fd),
 * ENOTSUP (the demanded mechanism cannot be had). errno itself is left alone.
 *
 * What the child fails at, a missing program too, is known only later:
 *   - The pidfd becomes readable, as at any exit, for a child that fails exits with 127. Then afork_job_state() says
 *     AFORK_FAILED, and with what and where. Nothing more is needed by who waits for the exit anyway: one epoll of
 *     pidfds serves any number of children.
 *   - Who wants to know of success before the exit asks for a doorbell, or polls afork_job_state(), or blocks in
 *     afork_job_wait_exec().
 *
 * A uid or gid other than the effective one takes AFORK_FORK: an unprivileged child must not share a privileged
 * parent's memory, and the kernel would make the parent undumpable.
 */
int afork_spawn(struct afork_job **job, const struct afork_options *options);

pid_t afork_job_pid(const struct afork_job *job);
enum afork_mechanism afork_job_mechanism(const struct afork_job *job);

/*
 * Becomes readable at the child's exit. Close-on-exec; closed by afork_job_free(); -1 on kernels before 5.3, and with
 * AFORK_NO_PIDFD.
 */
int afork_job_pidfd(const struct afork_job *job);

/*
 * With AFORK_DOORBELL: the read end of a pipe that hangs up (POLLHUP, in epoll too) when the child has executed or
 * exited. It is a bell, no proof: a child whose own actions closed it rings early, one copied by a fork() elsewhere rings
 * late; ask afork_job_state() when it rings. Close-on-exec; closed by afork_job_free(); -1 without the flag.
 */
int afork_job_doorbell(const struct afork_job *job);

/* Closes the doorbell before afork_job_free() does: whoever has heard it once needs it no more. */
void afork_job_close_doorbell(struct afork_job *job);

/* How far the child is. Costs no system call. failure may be NULL; filled in any case. */
enum afork_state afork_job_state(const struct afork_job *job, struct afork_failure *failure);

/* Blocks until the child has executed, failed, or died. The same as posix_spawn()'s wait. No cancellation point. */
enum afork_state afork_job_wait_exec(struct afork_job *job, struct afork_failure *failure);

/*
 * With AFORK_ONLY_GIVEN and AFORK_DOORBELL: whether the child has its own descriptors by now, and no others. Until then the library holds
 * copies of those that it is given: a pipe does not end, a file is not unlocked. Waits for that for at most timeout_us microseconds; it takes
 * a processor that is free to run the child, and no file system. When it is false, the doorbell (AFORK_DOORBELL)
 * becomes readable at that moment; call again then. Without AFORK_ONLY_GIVEN, true. afork_job_free() waits for it.
 */
bool afork_job_settle(struct afork_job *job, unsigned timeout_us);

/*
 * Reserves a few low descriptors for the copies of AFORK_ONLY_GIVEN, for a process that will have thousands of others: a
 * child that is given high numbers has to copy all lower ones first. Call it early. Without it nothing is reserved.
 */
void afork_reserve_fds(void);

/*
 * Waits for the exit, and reaps. options: 0 or WNOHANG. Returns 0 and a status as of waitpid(), the same again when
 * called again; EAGAIN with WNOHANG while the child lives; EINTR. No cancellation point. Where someone else reaped the child (a wait() for any
 * child, or SIGCHLD ignored), Linux 6.15 and newer still give the status; older kernels ECHILD.
 */
int afork_job_wait(struct afork_job *job, int *status, int options);

/* Signals this child and never another one that got its pid. Returns 0 or an errno (ESRCH: it has exited). */
int afork_job_kill(struct afork_job *job, int signal);

/* Forgets the child and closes its pidfd and doorbell: no kill, no wait. NULL is allowed. */
void afork_job_free(struct afork_job *job);

/* ---------------------------------------------------------------------------------------------- afork ---------- */

/*
 * What `function` may do. It runs in the caller's memory, beside all its threads, on a stack of 256 KiB with a guard page,
 * with the caller's signal mask, no handlers, and copies of the caller's descriptors, directory, limits and credentials
 * (vfork()'s rules, but the caller is awake). Its thread storage is its own (errno is; the caller's is not touched).
 *
 * It may call the functions of signal-safety(7), with the exceptions below; it may read what the caller keeps still until
 * it has left; it may write where the caller expects it (a result, before exec). It ends by an exec, by _exit(), or by
 * returning its exit status. argument must stay valid until then.
 *
 * It must not
 *   - call malloc() or stdio, or take any lock: if it is killed, or executes, while it has one, the caller never gets it;
 *     an allocator with per-CPU caches would moreover take it for another thread;
 *   - call setuid(), setgid(), setgroups() and their like: libc makes the caller's threads follow, and the kernel makes
 *     the caller undumpable. afork_spawn() does this right;
 *   - call exit(), fork(), pthread_*() or dlopen(), unwind or longjmp() past its own frame;
 *   - set handlers that touch what the caller's handlers touch: they would run in both processes, on the same memory.
 *
 * OpenJDK gave vfork() up (JDK-8357090) because a child in the parent's memory "may accidentally damage or kill the parent
 * process", above all through asynchronous signals. Here no handler of the parent can run in the child: all 64 signals
 * are blocked by the raw system call before it exists, the two that libc hides included, and let in only when every
 * handler has been reset. A stack overflow hits a guard page; libc state in thread storage is not shared; a core dump
 * kills the child alone (kernels on which it would not, before 5.16, get AFORK_VFORK). What is left is what the function
 * itself does wrong, which is why afork_spawn(), whose child runs 300 lines of raw system calls and no others, comes
 * first in this header; and the OOM killer, which kills all processes that share a memory, as with posix_spawn().
 */
pid_t afork(int (*function)(void *), void *argument);

/* The names and values of illumos' forkx(). */
#define FORK_NOSIGCHLD 0x1 /* refused, ENOTSUP: exec resets the exit signal to SIGCHLD on Linux (de_thread()) */
#define FORK_WAITPID 0x2 /* only afork_waitpid() shall get the status; whoever else reaps the child does not steal it */

/*
 * Starts a child that runs function(argument), and returns its pid at once. -1 with errno: EINVAL (flags), ENOTSUP
 * (FORK_NOSIGCHLD), EAGAIN, ENOMEM. At first, and when more children than ever before are on their way, this starts a
 * thread, to have its thread storage. Under a sanitizer, or valgrind, it is fork().
 */
pid_t aforkx(int flags, int (*function)(void *), void *argument);

/*
 * As waitpid(), for children of aforkx(FORK_WAITPID), once each. options: 0 or WNOHANG (returns 0 while the child lives).
 * On kernels before 6.15 a child that somebody else reaped gives ECHILD: there the kernel keeps no status.
 * Without this call, the child's descriptor is kept for ever.
 */
pid_t afork_waitpid(pid_t pid, int *status, int options);

/*
 * The same by a thread that waits in vfork(): for the record, and for comparison. done, if not NULL, is called by that
 * thread, with the child's pid, once the child has executed or exited; or with -1, and errno set. Returns 0, or -1 with
 * errno (EAGAIN, ENOMEM). What holds for afork()'s function holds for this one. setuid() and its like wait for the exec.
 */
int emulated_afork(int (*function)(void *), void *argument, void (*done)(pid_t));

/*
 * The same by a worker that was vforked beforehand and waits for work. Waits until that has answered, and while
 * `maximum` workers are busy; not for the exec. -1 with errno: EAGAIN, ENOMEM, EMFILE, ESHUTDOWN (avfork_stop() is at
 * work). Where memory cannot be shared it is afork().
 *
 * A worker has descriptors, directory, credentials, limits and signal dispositions as they were WHEN IT WAS VFORKED, after
 * its last job: what the caller has opened since is not there (EBADF, or another file by that number), and what it has
 * closed since stays open there, so that pipes and sockets may not come to their end. Use it for programs that need
 * nothing of the caller but its memory. Its idle children are visible to wait(), and raise SIGCHLD when they go.
 *
 * A thread in vfork() hears no signal. While there are workers, whatever signals all threads of the process and waits for
 * their answer waits for ever: setuid() and its like, some garbage collectors. Call avfork_stop() before.
 */
pid_t avfork(int (*function)(void *), void *argument);

/*
 * Workers to keep even when idle (they are started now), at most to have, and how long one above the minimum may be idle.
 * At first 0, 16, 10000. Returns 0, or -1 with errno: EINVAL (minimum > maximum, maximum 0), EAGAIN, ENOMEM, EMFILE.
 */
int avfork_configure(unsigned minimum, unsigned maximum, unsigned idle_ms);
unsigned avfork_workers(void); /* at present */
void avfork_stop(void);	       /* ends all workers; waits for those whose function has not left yet */

/* ---------------------------------------------------------------------------------------------- popen ---------- */

/*
 * popen(command, type), type "r", "w", "re" or "we", that returns at once: it waits neither for the shell nor for its
 * exec. The descriptor is close-on-exec in any case. A shell that cannot be executed is seen as end of file, or EPIPE,
 * and its errno at afork_pclose(). NULL with errno: EINVAL (type), EMFILE, EAGAIN, ENOMEM.
 */
FILE *afork_popen(const char *command, const char *type);

/* The same without a shell: file is looked for along PATH, argv is NULL-terminated. */
FILE *afork_popenv(const char *file, const char *const argv[], const char *type);

/*
 * Closes, waits, and returns the status as of waitpid(); or -1 with errno: that of the failed exec, EINVAL (not from
 * here). The status is had even if a stray wait() reaped the child, from Linux 6.15 on; before that, ECHILD.
 */
int afork_pclose(FILE *file);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
