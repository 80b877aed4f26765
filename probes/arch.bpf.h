/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What differs between architectures: system call numbers, and the registers that hold their arguments. */
#ifndef FORKTAX_ARCH_BPF_H
#define FORKTAX_ARCH_BPF_H

#include "spawn.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

enum call_kind {
	CALL_NONE,
	CALL_SPAWN,
	CALL_EXECVE,
	CALL_EXECVEAT,
};

struct call_number {
	enum call_kind kind;
	enum spawn_syscall syscall;
};

#define CALL_IS(call, name) ((struct call_number){CALL_##call, SYSCALL_##name})

#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT 0x0002	   /* arch/x86/include/asm/thread_info.h: in a 32-bit system call */
#define X32_SYSCALL_BIT 0x40000000 /* arch/x86/include/uapi/asm/unistd.h */

/* arch/x86/entry/syscalls/syscall_32.tbl. Used only for tasks in a 32-bit call: in other calls, 2 and 11 are frequent. */
static __always_inline struct call_number call_number_ia32(long nr)
{
	switch (nr) {
	case 2:
		return CALL_IS(SPAWN, FORK);
	case 11:
		return CALL_IS(EXECVE, UNKNOWN);
	case 120:
		return CALL_IS(SPAWN, CLONE);
	case 190:
		return CALL_IS(SPAWN, VFORK);
	case 358:
		return CALL_IS(EXECVEAT, UNKNOWN);
	case 435:
		return CALL_IS(SPAWN, CLONE3);
	}
	return CALL_IS(NONE, UNKNOWN);
}

/* arch/x86/entry/syscalls/syscall_64.tbl; 520 and 545 are x32's own. */
static __always_inline struct call_number call_number(struct task_struct *task, long nr)
{
	if (task->thread_info.status & TS_COMPAT)
		return call_number_ia32(nr);
	switch (nr & ~X32_SYSCALL_BIT) {
	case 56:
		return CALL_IS(SPAWN, CLONE);
	case 57:
		return CALL_IS(SPAWN, FORK);
	case 58:
		return CALL_IS(SPAWN, VFORK);
	case 435:
		return CALL_IS(SPAWN, CLONE3);
	case 59:
	case 520:
		return CALL_IS(EXECVE, UNKNOWN);
	case 322:
	case 545:
		return CALL_IS(EXECVEAT, UNKNOWN);
	}
	return CALL_IS(NONE, UNKNOWN);
}

/* A 32-bit task passes arguments in other registers, so its file names are not shown; its costs are. */
static __always_inline long syscall_nr(const struct pt_regs *regs)
{
	return regs->orig_ax;
}
static __always_inline unsigned long first_argument(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, di);
}
static __always_inline unsigned long second_argument(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, si);
}
static __always_inline unsigned long stack_pointer(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, sp);
}

#elif defined(__TARGET_ARCH_arm64)

#define TIF_32BIT (1 << 22) /* arch/arm64/include/asm/thread_info.h */

/* arch/arm/tools/syscall.tbl. Used only for 32-bit tasks: 220 is madvise there, and clone in 64-bit tasks. */
static __always_inline struct call_number call_number_arm(long nr)
{
	switch (nr) {
	case 2:
		return CALL_IS(SPAWN, FORK);
	case 11:
		return CALL_IS(EXECVE, UNKNOWN);
	case 120:
		return CALL_IS(SPAWN, CLONE);
	case 190:
		return CALL_IS(SPAWN, VFORK);
	case 387:
		return CALL_IS(EXECVEAT, UNKNOWN);
	case 435:
		return CALL_IS(SPAWN, CLONE3);
	}
	return CALL_IS(NONE, UNKNOWN);
}

/* include/uapi/asm-generic/unistd.h */
static __always_inline struct call_number call_number(struct task_struct *task, long nr)
{
	if (task->thread_info.flags & TIF_32BIT)
		return call_number_arm(nr);
	switch (nr) {
	case 220:
		return CALL_IS(SPAWN, CLONE);
	case 435:
		return CALL_IS(SPAWN, CLONE3);
	case 221:
		return CALL_IS(EXECVE, UNKNOWN);
	case 281:
		return CALL_IS(EXECVEAT, UNKNOWN);
	}
	return CALL_IS(NONE, UNKNOWN);
}

static __always_inline long syscall_nr(const struct pt_regs *regs)
{
	return regs->syscallno;
}
/* x0 also carries the result, but orig_x0 keeps the argument. */
static __always_inline unsigned long first_argument(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, orig_x0);
}
static __always_inline unsigned long second_argument(struct pt_regs *regs)
{
	return BPF_CORE_READ((struct user_pt_regs *)regs, regs[1]);
}
static __always_inline unsigned long stack_pointer(struct pt_regs *regs)
{
	return BPF_CORE_READ((struct user_pt_regs *)regs, sp);
}

#else
#error "x86-64 and arm64 only"
#endif

#endif
