/* SPDX-License-Identifier: MIT */
/*
 * A fork() elsewhere in the process must not copy a lock that another thread holds. Each file with a lock registers its
 * own handlers, in a constructor of the priority below. pthread_atfork() runs them before a fork() in the reverse order of
 * their registration: so the locks are taken from the last of these to the first, as everywhere else.
 */
#ifndef AFORK_FORKS_H
#define AFORK_FORKS_H

enum {
	FORKS_HOLDS = 102,
	FORKS_DONORS,
	FORKS_SLOTS,
	FORKS_REGISTRY,
	FORKS_WORKERS,
};

#endif
