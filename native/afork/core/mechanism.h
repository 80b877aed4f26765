/* SPDX-License-Identifier: MIT */
/* Which system call makes a child here, and the making. */
#ifndef AFORK_MECHANISM_H
#define AFORK_MECHANISM_H

#include "slot.h"

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

/* A child that is to be made. */
struct creation {
	struct slot *slot;
	struct afork_job *job; /* gets pid, pidfd, mechanism */
	void *tls;	       /* or NULL: the caller's */
	int cgroup_fd;	       /* or -1 */
	bool share_files;
	bool no_pidfd;
};

/* Makes the child: 0, or a negative errno. With AFORK_FORK, slot memory is copied and CLEARTID does not work. */
long create_child(struct creation *creation, enum afork_mechanism mechanism);

#endif
