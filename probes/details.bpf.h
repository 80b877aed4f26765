/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What an event carries only where user space asked for it before loading: the command line of an exec, and the ancestors of
 * a spawner. Otherwise the verifier removes all of this.
 */
#ifndef FORKTAX_DETAILS_BPF_H
#define FORKTAX_DETAILS_BPF_H

#include "spawn.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

const volatile bool wants_arguments;
const volatile bool wants_ancestors;
/* Command lines of the descendants of this process only; 0: of all children whose spawner is measured. */
const volatile __u32 arguments_below;

/* How far up `arguments_below` is looked for. */
#define MAX_DEPTH 64

static __always_inline struct task_struct *parent_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, real_parent, group_leader);
}

static __always_inline bool is_below(struct task_struct *task, __u32 pid)
{
	for (int i = 0; i < MAX_DEPTH; i++) {
		__u32 above;

		task = parent_of(task);
		above = BPF_CORE_READ(task, pid);
		if (above == pid)
			return true;
		if (above <= 1)
			return false;
	}
	return false;
}

static __always_inline bool arguments_wanted(struct task_struct *task)
{
	return wants_arguments && (!arguments_below || is_below(task, arguments_below));
}

/* The new program's stack holds them, and the kernel has just written that, so the pages are there. */
static __always_inline void read_arguments(struct arguments *to, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 start = BPF_CORE_READ(mm, arg_start), length = BPF_CORE_READ(mm, arg_end) - start;

	to->cut = length > ARGUMENTS_LEN;
	/* Without this the compiler compares a copy of the length, which the verifier cannot follow. */
	barrier_var(length);
	if (length > ARGUMENTS_LEN)
		length = ARGUMENTS_LEN;
	to->length = bpf_probe_read_user(to->text, length, (void *)start) == 0 ? length : 0;
}

static __always_inline void read_ancestor(struct ancestor *to, struct task_struct *task)
{
	to->pid = BPF_CORE_READ(task, pid);
	to->exe[0] = 0;
	bpf_probe_read_kernel_str(to->comm, COMM_LEN, task->comm);
	bpf_probe_read_kernel_str(to->exe, COMM_LEN, BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name));
}

/* Parents may change meanwhile: whoever ends is replaced by its own parent or by a reaper. */
static __always_inline void read_ancestors(struct ancestors *to, struct task_struct *task)
{
	__u32 count;

	task = parent_of(BPF_CORE_READ(task, group_leader));
	for (count = 0; count < ANCESTORS; count++) {
		if (BPF_CORE_READ(task, pid) == 0)
			break;
		read_ancestor(&to->chain[count], task);
		task = parent_of(task);
	}
	to->count = count;
	to->cut = count == ANCESTORS && BPF_CORE_READ(task, pid) != 0;
}

#endif
