/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Selects the spawners that are measured, and the row that each is charged to. */
#ifndef FORKTAX_FILTER_BPF_H
#define FORKTAX_FILTER_BPF_H

#include "state.bpf.h"
#include <bpf/bpf_core_read.h>

/* User space sets these before loading. 0 and "" mean any. */
const volatile __u32 label_id = LABEL_NONE;
/* An enum naming, and the comms that count as generic, each padded with zeros. */
const volatile __u32 name_by = NAMING_COMM;
const volatile __u64 generic_names[GENERIC_NAMES][COMM_LEN / sizeof(__u64)];
const volatile __u32 filter_pid;
const volatile bool filter_follow;
const volatile bool filter_comm_set;
const volatile char filter_comm[COMM_LEN];
const volatile __u64 filter_cgroup;

/*
 * Pinned programs go on when their collector has ended. When other programs take their place, all of those are attached
 * first and count nothing. Then user space makes them the active ones, in one moment. 0: there are no others.
 */
const volatile __u64 generation;
__u64 active_generation;

static __always_inline bool is_inactive(void)
{
	return generation && generation != active_generation;
}

/* The collector's pid in the kernel. In a pid namespace, the collector itself does not know it. */
__u32 own_pid;

/* User space runs this once in its own thread. */
SEC("raw_tp")
int learn_own_pid(void *ctx)
{
	(void)ctx;
	own_pid = current_pid();
	return 0;
}

static __always_inline bool wanted_name(const char *comm)
{
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
	/* Only descendants of filter_pid have entries as children. */
	process = process_of(pid);
	return process && process->flags & CHILD;
}

/* Before Linux 6.14, a program that was executed by descriptor has the descriptor's number as its comm. */
static __always_inline bool is_number(const char *comm)
{
	for (int i = 0; i < COMM_LEN && comm[i]; i++)
		if (comm[i] < '0' || comm[i] > '9')
			return false;
	return comm[0];
}

/* `comm` is padded with zeros. */
static __always_inline bool is_generic(const char comm[COMM_LEN])
{
	const __u64 *words = (const __u64 *)comm;

	for (int i = 0; i < GENERIC_NAMES && generic_names[i][0]; i++)
		if (words[0] == generic_names[i][0] && words[1] == generic_names[i][1])
			return true;
	return is_number(comm);
}

/* Reads the file name of the executable, cut to the length of a comm; empty if there is none. */
static __always_inline void read_exe(char name[COMM_LEN], struct task_struct *task)
{
	if (task->mm && task->mm->exe_file)
		bpf_probe_read_kernel_str(name, COMM_LEN, task->mm->exe_file->f_path.dentry->d_name.name);
}

/* Reads the comm of a task. Kernels before 5.17 leave an older, longer name behind the end of a new one. */
static __always_inline void read_comm(__u64 name[COMM_LEN / sizeof(__u64)], struct task_struct *task)
{
	const __u64 ones = 0x0101010101010101, highs = 0x8080808080808080;
	const __u64 *words = (const __u64 *)task->comm;
	__u64 first = words[0], second = words[1];
	__u64 end = (first - ones) & ~first & highs; /* the lowest bit of it marks the first zero byte */

	if (end) {
		first &= ((end & -end) >> 7) - 1;
		second = 0;
	}
	end = (second - ones) & ~second & highs;
	if (end)
		second &= ((end & -end) >> 7) - 1;
	name[0] = first;
	name[1] = second;
}

/* Reads the spawner's name into `name`, which is aligned as a __u64 and holds zeros. Returns false if another name is wanted. */
static __always_inline bool read_wanted_name(char name[COMM_LEN], struct task_struct *task)
{
	__u64 exe_words[COMM_LEN / sizeof(__u64)] = {};
	char *exe = (char *)exe_words;
	bool wanted, by_exe;

	read_comm((__u64 *)name, task->group_leader);
	by_exe = name_by == NAMING_EXE || (name_by == NAMING_AUTO && is_generic(name));
	wanted = !filter_comm_set || (name_by != NAMING_EXE && wanted_name(name));
	if (by_exe || (!wanted && name_by == NAMING_AUTO))
		read_exe(exe, task);
	if (!wanted && exe[0])
		wanted = wanted_name(exe);
	if (by_exe && exe[0])
		__builtin_memcpy(name, exe, COMM_LEN);
	return wanted;
}

/* Fills in the key of the current task's spawns. Returns false if this spawner is not measured. */
static __always_inline bool charge_current(struct cost_key *key, enum spawn_syscall syscall)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 pid = current_pid();

	if (task->flags & PF_KTHREAD || !wanted_pid(pid))
		return false;
	if (filter_cgroup && bpf_get_current_cgroup_id() != filter_cgroup)
		return false;
	if (!read_wanted_name(key->comm, task))
		return false;
	key->syscall = syscall;
	if (label_id == LABEL_CGROUP)
		key->id = bpf_get_current_cgroup_id();
	else if (label_id == LABEL_PID)
		key->id = pid;
	return true;
}

#endif
