/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Whose spawns are measured, and which row they are charged to. */
#ifndef FORKTAX_FILTER_BPF_H
#define FORKTAX_FILTER_BPF_H

#include "state.bpf.h"
#include <bpf/bpf_core_read.h>

/* Set by user space before loading; 0 and "" mean any. */
const volatile __u32 label_id = LABEL_NONE;
/* Name spawners by their executable, not by their leader's comm. */
const volatile bool name_by_exe;
const volatile __u32 filter_pid;
const volatile bool filter_follow;
const volatile bool filter_comm_set;
const volatile char filter_comm[COMM_LEN];
const volatile __u64 filter_cgroup;

/* The collector's, as the kernel has it: in a pid namespace the collector itself does not know it. */
__u32 own_pid;

/* User space runs this once in its own thread. */
SEC("raw_tp")
int learn_own_pid(void *ctx)
{
	(void)ctx;
	own_pid = current_pid();
	return 0;
}

static __always_inline bool wanted_comm(const char *comm)
{
	if (!filter_comm_set)
		return true;
	for (int i = 0; i < COMM_LEN; i++) {
		if (comm[i] != filter_comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

static __always_inline bool wanted_pid(__u32 pid)
{
	struct process *process;

	if (pid == own_pid)
		return false;
	if (!filter_pid || pid == filter_pid)
		return true;
	if (!filter_follow)
		return false;
	/* Only descendants of filter_pid were ever put there as born. */
	process = bpf_map_lookup_elem(&processes, &pid);
	return process && process->flags & BORN;
}

/* The executable's file name, cut as a comm is. */
static __always_inline void read_name(char *name, struct task_struct *task)
{
	if (name_by_exe && task->mm && task->mm->exe_file)
		bpf_probe_read_kernel_str(name, COMM_LEN, task->mm->exe_file->f_path.dentry->d_name.name);
	else
		bpf_probe_read_kernel_str(name, COMM_LEN, task->group_leader->comm);
}

/* Whose spawn is this? False: not one that we were asked for. */
static __always_inline bool charge_current(struct cost_key *key, enum spawn_syscall syscall)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 pid = current_pid();

	if (task->flags & PF_KTHREAD || !wanted_pid(pid))
		return false;
	if (filter_cgroup && bpf_get_current_cgroup_id() != filter_cgroup)
		return false;
	read_name(key->comm, task);
	if (!wanted_comm(key->comm))
		return false;
	key->syscall = syscall;
	if (label_id == LABEL_CGROUP)
		key->id = bpf_get_current_cgroup_id();
	else if (label_id == LABEL_PID)
		key->id = pid;
	return true;
}

#endif
