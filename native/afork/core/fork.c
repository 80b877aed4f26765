/* SPDX-License-Identifier: MIT */
/* fork() elsewhere in the process must not copy a lock that another thread holds: take all, in the order of their use. */
#include "internal.h"

void before_fork(void)
{
	workers_before_fork();
	registry_before_fork();
	slots_before_fork();
	donors_before_fork();
}

void after_fork_in_parent(void)
{
	donors_after_fork();
	slots_after_fork();
	registry_after_fork();
	workers_after_fork();
}

void after_fork_in_child(void)
{
	donors_in_forked();
	slots_in_forked();
	registry_after_fork();
	workers_in_forked();
}
