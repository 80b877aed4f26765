/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Three ways to see entry and exit of the spawning calls, and failed execs. User space loads one of them. */
#ifndef FORKTAX_CALL_HOOKS_BPF_H
#define FORKTAX_CALL_HOOKS_BPF_H

#include "calls.bpf.h"

/* ---- way 1: fentry and fexit ---- */

SEC("fentry/kernel_clone")
int BPF_PROG(fentry_kernel_clone, struct kernel_clone_args *args)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 flags = args->flags;

	if (flags & CLONE_THREAD || task->flags & PF_KTHREAD)
		return 0;
	return spawn_begin(syscall_of_current(task), flags, 0);
}

SEC("fexit/kernel_clone")
int BPF_PROG(fexit_kernel_clone, struct kernel_clone_args *args, int result)
{
	return spawn_end(result);
}

/* User space sets the function, which depends on the architecture. */
SEC("fexit")
int BPF_PROG(fexit_execve, struct pt_regs *regs, long result)
{
	return result < 0 ? exec_failed(first_argument(regs), -result) : 0;
}

SEC("fexit")
int BPF_PROG(fexit_execveat, struct pt_regs *regs, long result)
{
	return result < 0 ? exec_failed(second_argument(regs), -result) : 0;
}

/* ---- way 2: the tracepoints of each system call ---- */

/* If a program at such a tracepoint returns 0, the kernel hides the call from perf, which may record it at the same time. */
#define LEAVE_TO_PERF 1

#define SPAWN_TRACEPOINTS(name, NAME, flags, clone3_args)                                                              \
	SEC("tp/syscalls/sys_enter_" #name)                                                                            \
	int sys_enter_##name(struct trace_event_raw_sys_enter *ctx)                                                    \
	{                                                                                                              \
		(void)ctx;                                                                                             \
		spawn_begin(SYSCALL_##NAME, flags, clone3_args);                                                       \
		return LEAVE_TO_PERF;                                                                                  \
	}                                                                                                              \
	SEC("tp/syscalls/sys_exit_" #name)                                                                             \
	int sys_exit_##name(struct trace_event_raw_sys_exit *ctx)                                                      \
	{                                                                                                              \
		spawn_end(ctx->ret);                                                                                   \
		return LEAVE_TO_PERF;                                                                                  \
	}

SPAWN_TRACEPOINTS(fork, FORK, 0, 0)
SPAWN_TRACEPOINTS(vfork, VFORK, CLONE_VM | CLONE_VFORK, 0)
SPAWN_TRACEPOINTS(clone, CLONE, ctx->args[0], 0)
SPAWN_TRACEPOINTS(clone3, CLONE3, 0, ctx->args[0])

static __always_inline struct pt_regs *regs_of_current(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

SEC("tp/syscalls/sys_exit_execve")
int sys_exit_execve(struct trace_event_raw_sys_exit *ctx)
{
	if (ctx->ret < 0)
		exec_failed(first_argument(regs_of_current()), -ctx->ret);
	return LEAVE_TO_PERF;
}

SEC("tp/syscalls/sys_exit_execveat")
int sys_exit_execveat(struct trace_event_raw_sys_exit *ctx)
{
	if (ctx->ret < 0)
		exec_failed(second_argument(regs_of_current()), -ctx->ret);
	return LEAVE_TO_PERF;
}

/* ---- way 3: entry and exit of every system call of the host ---- */

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long nr)
{
	struct call_number call = call_number(bpf_get_current_task_btf(), nr);

	if (call.kind != CALL_SPAWN)
		return 0;
	switch (call.syscall) {
	case SYSCALL_CLONE:
		return spawn_begin(SYSCALL_CLONE, first_argument(regs), 0);
	case SYSCALL_CLONE3:
		return spawn_begin(SYSCALL_CLONE3, 0, first_argument(regs));
	case SYSCALL_VFORK:
		return spawn_begin(SYSCALL_VFORK, CLONE_VM | CLONE_VFORK, 0);
	default:
		return spawn_begin(SYSCALL_FORK, 0, 0);
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long result)
{
	struct call_number call = call_number(bpf_get_current_task_btf(), syscall_nr(regs));

	switch (call.kind) {
	case CALL_SPAWN:
		return spawn_end(result);
	case CALL_EXECVE:
		return result < 0 ? exec_failed(first_argument(regs), -result) : 0;
	case CALL_EXECVEAT:
		return result < 0 ? exec_failed(second_argument(regs), -result) : 0;
	default:
		return 0;
	}
}

#endif
