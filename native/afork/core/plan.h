/* SPDX-License-Identifier: MIT */
/* What the child of afork_spawn() is to do: a copy of its options, made for it. */
#ifndef AFORK_PLAN_H
#define AFORK_PLAN_H

#include "slot.h"

struct plan {
	struct afork_options options; /* all pointers that the child follows lead into the slot */
	const char **argv;	      /* with a free element before it and one behind its NULL, for /bin/sh */
	struct afork_job *job;
	int *fd_map;
	const int *needed; /* with AFORK_ONLY_GIVEN: the numbers that must stay, in no order */
	unsigned needed_count, first_unneeded;
	uint64_t mask;
	int bell;      /* write end of the doorbell, or -1 */
	int bell_read; /* the child's copy of the other end, or -1 */
	bool clear_handlers;
	bool join_cgroup;
	bool report_on_bell; /* memory is not shared: write the failure into the pipe */
	bool share_files;
	bool close_others;
};

/* In the fd_map that the child sees: a source that was not open. */
#define FD_BAD (-4)

/* Copies the options into the slot. 0 or an errno. */
int plan_make(struct plan **plan, struct slot *slot, const struct afork_options *options);
/* child.c: what the child runs; the plan is its argument. */
int spawn_child(void *plan);

#endif
