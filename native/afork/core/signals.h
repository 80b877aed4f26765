/* SPDX-License-Identifier: MIT */
/* Signals in a child that shares its parent's memory: raw, for libc's sigset_t leaves out 32 and 33. */
#ifndef AFORK_SIGNALS_H
#define AFORK_SIGNALS_H

#include "syscall.h"
#include <signal.h>

/* As the kernel has it; the same on x86-64 and arm64. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* All 64. Gives the mask from before. */
static inline uint64_t block_all_signals(void)
{
	const uint64_t all = ~(uint64_t)0;
	uint64_t before = 0;
	raw(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof all);
	return before;
}

static inline void set_signal_mask(uint64_t mask)
{
	raw(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof mask);
}

/*
 * For threads that live on: all but 32 to 34, by which glibc and musl ask every thread to follow a setuid(), and wait
 * until it has.
 */
static inline void block_all_but_libcs_signals(void)
{
	set_signal_mask(~(UINT64_C(7) << 31));
}

static inline void default_signal(int number)
{
	const struct kernel_sigaction action = {.handler = SIG_DFL};
	raw(SYS_rt_sigaction, number, &action, 0, sizeof action.mask);
}

/* What CLONE_CLEAR_SIGHAND does, where it could not be had. Ignored signals stay ignored. */
static inline void clear_handlers(void)
{
	struct kernel_sigaction action;
	for (int number = 1; number <= 64; number++)
		if (raw(SYS_rt_sigaction, number, 0, &action, sizeof action.mask) == 0 && action.handler != SIG_DFL &&
		    action.handler != SIG_IGN)
			default_signal(number);
}

#endif
