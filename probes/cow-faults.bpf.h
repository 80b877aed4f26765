/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How long copy-on-write faults take, of processes that have forked and of children before their exec: from the tracepoint
 * page_fault_user, which counts them, to the end of do_wp_page, which ends them. In between, the thread may wait for the lock of
 * the memory map, a huge page is split, and the page is copied. do_wp_page runs for few other faults.
 *
 * A fault need not get there, as another thread may have made the page writable meanwhile. Its start is then left behind. So a start
 * counts only for its own page, and only as long as the thread has ended no other fault.
 *
 * Mostly one thread of a process is in such a fault. Its start is in the entry of the process, which is looked up anyway; those of
 * the other threads are in a table.
 */
#ifndef FORKTAX_COW_FAULTS_BPF_H
#define FORKTAX_COW_FAULTS_BPF_H

#include "filter.bpf.h"
#include <bpf/bpf_tracing.h>

/* Whether fexit_do_wp_page is loaded. User space sets it before loading. */
const volatile bool times_cow_faults;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, COW_FAULTS);
	__type(key, __u32);
	__type(value, struct cow_fault);
} cow_faults SEC(".maps");

static __always_inline __u64 faults_ended(const struct task_struct *task)
{
	return task->min_flt + task->maj_flt;
}

/* `flags` are the process'. Of a process that is both, the fault is charged as one of a parent. */
static __always_inline bool is_charged_for_cow(__u32 flags)
{
	return flags & FORKED || (flags & (CHILD | EXECD)) == CHILD;
}

static __always_inline void cow_fault_begins(struct process *process, unsigned long address)
{
	struct cow_fault fault = {};
	__u32 tid, owner;

	if (!times_cow_faults || !is_charged_for_cow(process->flags))
		return;
	fault.page = address / COW_PAGE_BYTES;
	fault.faults_ended = faults_ended(bpf_get_current_task_btf());
	tid = current_tid();
	owner = __sync_val_compare_and_swap(&process->cow_tid, 0, tid);
	fault.start_ns = bpf_ktime_get_ns();
	if (!owner || owner == tid)
		process->cow = fault;
	else if (bpf_map_update_elem(&cow_faults, &tid, &fault, BPF_ANY) != 0)
		ADD(health.cow_faults_untimed, 1);
}

/* A thread ends, or calls exec and has another id from then on. */
static __always_inline void forget_cow_fault(__u32 tid)
{
	if (times_cow_faults && bpf_map_lookup_elem(&cow_faults, &tid))
		bpf_map_delete_elem(&cow_faults, &tid);
}

/* Returns the start of the current thread's fault, 0 if it was not seen. It is no longer remembered then. */
static __always_inline __u64 take_cow_start(struct process *process, __u64 page)
{
	struct cow_fault *known, fault;
	__u32 tid = current_tid();

	if (process->cow_tid == tid) {
		fault = process->cow;
		__sync_lock_test_and_set(&process->cow_tid, 0);
	} else {
		known = bpf_map_lookup_elem(&cow_faults, &tid);
		if (!known)
			return 0;
		fault = *known;
		bpf_map_delete_elem(&cow_faults, &tid);
	}
	return fault.page == page && fault.faults_ended == faults_ended(bpf_get_current_task_btf()) ? fault.start_ns
												    : 0;
}

SEC("fexit/do_wp_page")
int BPF_PROG(fexit_do_wp_page, struct vm_fault *fault, unsigned int result)
{
	__u64 now = bpf_ktime_get_ns(), start_ns;
	__u32 pid = current_pid();
	struct process *process;
	struct cost_row *row;

	if (!(fault->flags & FAULT_FLAG_USER) || result & VM_FAULT_RETRY || is_inactive())
		return 0;
	process = process_of(pid);
	if (!process || !is_charged_for_cow(process->flags))
		return 0;
	start_ns = take_cow_start(process, fault->address / COW_PAGE_BYTES);
	if (!start_ns)
		return 0;
	if (!(process->flags & FORKED)) {
		ADD(process->pending_cow_ns, now - start_ns);
		return 0;
	}
	row = row_of(&process->fork, 0);
	if (row)
		ADD(row->cow_faults_parent_ns, now - start_ns);
	return 0;
}

#endif
