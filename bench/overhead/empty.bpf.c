// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Programs that do nothing, at the hooks of the probes with the call hook `syscalls`. What the kernel's statistics say of them is
 * what these, and calling a program at all, take of each run of any program.
 */
#define SEC(name) __attribute__((section(name), used))

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define AT(section, name, result)                                                                                      \
	SEC(section #name) int name(void *ctx)                                                                         \
	{                                                                                                              \
		(void)ctx;                                                                                             \
		return result;                                                                                         \
	}

AT("tp/syscalls/", sys_enter_fork, 1)
AT("tp/syscalls/", sys_enter_vfork, 1)
AT("tp/syscalls/", sys_enter_clone, 1)
AT("tp/syscalls/", sys_enter_clone3, 1)
AT("tp/syscalls/", sys_exit_fork, 1)
AT("tp/syscalls/", sys_exit_vfork, 1)
AT("tp/syscalls/", sys_exit_clone, 1)
AT("tp/syscalls/", sys_exit_clone3, 1)
AT("tp/syscalls/", sys_exit_execve, 1)
AT("tp/syscalls/", sys_exit_execveat, 1)
AT("tp_btf/", task_newtask, 0)
AT("tp_btf/", sched_process_exec, 0)
AT("tp_btf/", sched_process_exit, 0)
AT("tp_btf/", page_fault_user, 0)
