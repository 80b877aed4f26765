/* SPDX-License-Identifier: MIT */
/* What the library's files share. */
#ifndef AFORK_INTERNAL_H
#define AFORK_INTERNAL_H

#include "afork.h"
#include "signals.h"
#include "syscall.h"
#include <stdbool.h>

/* --- fork.c: what to do about a fork() elsewhere in the process --- */

void before_fork(void);
void after_fork_in_parent(void);
void after_fork_in_child(void);

/* Each part that has a lock. */
void workers_before_fork(void), workers_after_fork(void), workers_in_forked(void);
void registry_before_fork(void), registry_after_fork(void);
void slots_before_fork(void), slots_after_fork(void), slots_in_forked(void);
void donors_before_fork(void), donors_after_fork(void), donors_in_forked(void);

/* --- clone.c --- */

struct entry {
	int (*function)(void *);
	void *argument;
};

/* The kernel's struct clone_args, up to the cgroup (5.7). */
struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
		cgroup;
};

long raw_clone3(struct clone3_args *args, size_t size, const struct entry *entry);
long raw_clone(unsigned long flags, void *stack, int *parent_tid, int *child_tid, void *tls, const struct entry *entry);

/* --- job.c --- */

struct afork_job {
	int references; /* the user's, and that of the slot while the child is in it */
	/*
	 * 1 until the child has left our memory: the kernel clears it (CLONE_CHILD_CLEARTID) in exec and in exit, after the
	 * last instruction on our stack. The one truth about the slot; pipe and pidfd only ring.
	 */
	int in_memory;
	uint64_t failure; /* 0, or written once by the child: error | step << 16 | index << 32 */
	pid_t pid;
	int pidfd;
	int doorbell;
	enum afork_mechanism mechanism;
	bool reaped;
	int status;
};

struct afork_job *job_new(void);
void job_release(struct afork_job *job);
bool job_in_memory(const struct afork_job *job);

static inline uint64_t failure_pack(int error, enum afork_step step, int index)
{
	return (uint64_t)error | (uint64_t)step << 16 | (uint64_t)(uint32_t)index << 32;
}

/* --- slot.c: what one child needs of our memory --- */

struct chunk;
struct donor;

struct slot {
	struct slot *next;
	struct afork_job *job; /* whose child is in the slot */
	struct donor *donor;   /* whose thread storage that child has, or NULL */
	struct chunk *chunks;  /* argument memory beyond the slot's own */
	char *arena, *arena_end;
	char *stack; /* above the guard page */
	size_t stack_size;
	struct entry entry;
};

/* All with signals blocked. take: NULL when out of memory. */
struct slot *slot_take(void);
void slot_give_back(struct slot *slot);			    /* no child came to be */
void slot_occupy(struct slot *slot, struct afork_job *job); /* a child is in it: reclaimed when it has left */
void *slot_allocate(struct slot *slot, size_t size);	    /* lives as long as the child is in; NULL: no memory */
void slots_reclaim(void);				    /* give back what children have left */
void slots_count(unsigned *idle, unsigned *occupied);	    /* for tests */

/* --- donor.c: parked threads that lend their thread storage --- */

/* With signals blocked. take: NULL when there can be no further thread. */
struct donor *donor_take(void);
void donor_give_back(struct donor *donor);
void *donor_thread_pointer(const struct donor *donor);
void donors_count(unsigned *idle, unsigned *lent); /* for tests */

/* --- registry.c: jobs that the library keeps for its user, by pid or FILE --- */

int registry_add(const void *owner, uintptr_t key, struct afork_job *job); /* 0 or ENOMEM */
struct afork_job *registry_take(const void *owner, uintptr_t key);	   /* NULL: none, or somebody has taken it */

/* --- mechanism.c --- */

/* A child that is to be made. */
struct birth {
	struct slot *slot;
	struct afork_job *job; /* gets pid, pidfd, mechanism */
	void *tls;	       /* or NULL: the caller's */
	int cgroup_fd;	       /* or -1 */
	bool share_files;
	bool no_pidfd;
};

/* The mechanism to try first when the user demands none. */
enum afork_mechanism mechanism_best(void);
/* Whether a demanded one can work here at all. */
bool mechanism_possible(enum afork_mechanism mechanism);
/* Whether the user's code is under a sanitizer: then it may run in a copy of memory only. */
bool instrumented(void);
/* What to try after `mechanism` gave `result`; AFORK_ANY: nothing, for it worked, or failed for another reason. */
enum afork_mechanism mechanism_after(enum afork_mechanism mechanism, long result);
/* Remember that only this one works. */
void mechanism_settle(enum afork_mechanism mechanism);
void mechanism_ran(enum afork_mechanism mechanism);
/* Makes the child: 0, or a negative errno. With AFORK_FORK, slot memory is copied and CLEARTID does not work. */
long birth_give(struct birth *birth, enum afork_mechanism mechanism);

/* --- plan.c, child.c: afork_spawn's child --- */

struct plan {
	struct afork_options options; /* all pointers that the child follows lead into the slot */
	const char **argv;	      /* with a free element before it and one behind its NULL, for /bin/sh */
	struct afork_job *job;
	int *fd_map;
	uint64_t mask;
	int bell;      /* write end of the doorbell, or -1 */
	int bell_read; /* the child's copy of the other end, or -1 */
	bool clear_handlers;
	bool join_cgroup;
	bool report_on_bell; /* memory is not shared: write the failure into the pipe */
	bool share_files;
};

/* Copies the options into the slot. 0 or an errno. */
int plan_make(struct plan **plan, struct slot *slot, const struct afork_options *options);
int spawn_child(void *plan);

#endif
