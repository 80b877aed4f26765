/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Waits of a spawner's other threads. A fork holds the lock of the memory map (mmap_lock) while it copies, so each other thread
 * that maps memory or faults stands still. lock:contention_begin and lock:contention_end (Linux 5.19) fire only where a thread
 * must wait for a lock.
 *
 * A wait is charged if a fork of the same process was under way during a part of it: from the start of that call, or of the
 * wait if it began later, to the end of the wait. A thread that is itself in a spawning call is not charged, because
 * its stall has that wait. A thread that wants the lock for writing may first spin on its CPU, as long as the holder runs
 * and nobody else wants the CPU; no tracepoint sees that.
 */
#ifndef FORKTAX_SIBLINGS_BPF_H
#define FORKTAX_SIBLINGS_BPF_H

#include "state.bpf.h"

struct wait {
	__u64 start_ns;
	__u64 word; /* what was added to `under_way` of the process; 0 if nothing was */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SIBLING_WAITS);
	__type(key, __u32);
	__type(value, struct wait);
} waits SEC(".maps");

/* A word has the number of waits above this bit, and below it the sum of their starts in units of 1024 ns since `spawned_ns`. */
#define WAITS_SHIFT 48
#define UNIT_SHIFT 10

static __always_inline __u64 units_since_spawn(const struct process *process, __u64 now)
{
	return now > process->spawned_ns ? (now - process->spawned_ns) >> UNIT_SHIFT : 0;
}

/* The sum of all waits of a process so far, including the part of those under way. */
static __always_inline __u64 sibling_ns_until(const struct process *process, __u64 now)
{
	__u64 ended_ns = process->siblings.ended_ns, word = process->siblings.under_way;
	__u64 starts = word & ((1ULL << WAITS_SHIFT) - 1),
	      reached = (word >> WAITS_SHIFT) * units_since_spawn(process, now);

	return ended_ns + (reached > starts ? (reached - starts) << UNIT_SHIFT : 0);
}

/* A call that copies memory begins. Most spawners have one thread, and for those this is all. */
static __always_inline void block_siblings(struct call *call)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 pid = current_pid();
	struct process *process;

	if (call->key.mechanism != MECHANISM_FORK || task->signal->nr_threads < 2)
		return;
	process = spawning_process(pid, call->start_ns);
	if (!process)
		return;
	call->siblings = BLOCKED;
	call->sibling_ns_before = sibling_ns_until(process, call->start_ns);
	process->fork = call->key;
	if (!process->siblings.under_way)
		process->siblings.forks_since_ns = call->start_ns;
	__sync_fetch_and_add(&process->forks_under_way, 1);
}

/* The memory is copied, or the call has failed. */
static __always_inline void release_siblings(struct call *call, __u64 now)
{
	__u32 pid = current_pid();
	struct process *process;

	if (call->siblings != BLOCKED)
		return;
	call->siblings = RELEASED;
	process = process_of(pid);
	if (!process)
		return;
	process->siblings.forks_ended_ns = now;
	__sync_fetch_and_add(&process->forks_under_way, -1);
}

/* A thread that no longer makes its call, on a path without the exit hook. */
static __always_inline void abandon_call(__u32 tid)
{
	struct call *call = call_of(tid);

	if (!call)
		return;
	release_siblings(call, bpf_ktime_get_ns());
	forget_call(tid);
}

/* How long the other threads waited during a call, in sum. Those that still wait count up to now. */
static __always_inline __u64 sibling_wait_during(const struct call *call, __u64 now)
{
	__u32 pid = current_pid();
	struct process *process;
	__u64 waited_ns;

	if (call->siblings == ALONE)
		return 0;
	process = process_of(pid);
	if (!process)
		return 0;
	waited_ns = sibling_ns_until(process, now);
	return waited_ns > call->sibling_ns_before ? waited_ns - call->sibling_ns_before : 0;
}

static __always_inline bool is_own_mmap_lock(const void *lock)
{
	struct mm_struct *mm = bpf_get_current_task_btf()->mm;

	return mm && lock == &mm->mmap_lock;
}

static __always_inline bool is_spawning(__u32 tid)
{
	const struct call *call = call_of(tid);

	return call && call->start_ns;
}

/* Runs wherever a thread of the host must wait for a lock, so it returns as early as possible. */
SEC("tp_btf/contention_begin")
int BPF_PROG(contention_begin, void *lock, unsigned int flags)
{
	struct wait wait = {};
	struct process *process;
	__u32 tid, pid;

	if (!is_own_mmap_lock(lock) || is_inactive())
		return 0;
	tid = current_tid();
	if (is_spawning(tid))
		return 0;
	pid = current_pid();
	wait.start_ns = bpf_ktime_get_ns();
	process = process_of(pid);
	if (process)
		wait.word = 1ULL << WAITS_SHIFT | units_since_spawn(process, wait.start_ns);
	if (bpf_map_update_elem(&waits, &tid, &wait, BPF_ANY) != 0)
		ADD(health.sibling_waits_untracked, 1);
	else if (process)
		ADD(process->siblings.under_way, wait.word);
	return 0;
}

static __always_inline void charge_wait(struct process *process, __u64 start_ns, __u64 now)
{
	struct cost_row *row;

	if (!process->forks_under_way && process->siblings.forks_ended_ns < start_ns)
		return;
	if (start_ns < process->siblings.forks_since_ns)
		start_ns = process->siblings.forks_since_ns;
	row = row_of(&process->fork, 0);
	if (row)
		observe_time(&row->sibling_wait, now - start_ns);
}

SEC("tp_btf/contention_end")
int BPF_PROG(contention_end, void *lock)
{
	struct process *process;
	struct wait *known, wait;
	__u32 tid, pid;
	__u64 now;

	if (!is_own_mmap_lock(lock) || is_inactive())
		return 0;
	tid = current_tid();
	known = bpf_map_lookup_elem(&waits, &tid);
	if (!known)
		return 0;
	wait = *known;
	bpf_map_delete_elem(&waits, &tid);
	pid = current_pid();
	process = process_of(pid);
	if (!process)
		return 0;
	now = bpf_ktime_get_ns();
	if (wait.word)
		ADD(process->siblings.under_way, -wait.word);
	ADD(process->siblings.ended_ns, now - wait.start_ns);
	charge_wait(process, wait.start_ns, now);
	return 0;
}

#endif
