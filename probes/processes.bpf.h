/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Children until they exit, and processes that have forked, by pid: an exec from a thread that is not the leader changes the
 * thread's id, never the pid. places.bpf.h says where the entries are.
 */
#ifndef FORKTAX_PROCESSES_BPF_H
#define FORKTAX_PROCESSES_BPF_H

#include "places.bpf.h"
#include "table.bpf.h"

enum process_flags {
	CHILD = 1,	 /* the spawn that created it was seen; `spawn` is charged for what it does */
	EXECD = 2,	 /* it has called exec since then */
	STALL_KNOWN = 4, /* stall_ns is valid, because its spawner's call has returned */
	FORKED = 8,	 /* it has forked since its last exec; `fork` is charged for its CoW faults */
	CALLER = 16,	 /* it has made a spawning call since it was first seen */
};

/* The waits of threads for the lock of their process' memory map. siblings.bpf.h has the functions. */
struct sibling_waits {
	__u64 forks_since_ns; /* the start of the forks that the present waits may be charged to */
	__u64 forks_ended_ns;
	__u64 ended_ns; /* the sum of the waits that have ended */
	__u64 under_way; /* the present waits: their number and the sum of their starts in one word, so that both are read at once */
};

/* cow-faults.bpf.h has the functions. */
struct cow_fault {
	__u64 start_ns;
	__u64 page;	    /* its number */
	__u64 faults_ended; /* of the thread, before this one */
};

struct process {
	__u64 spawned_ns; /* of a spawner that is no child: when it was first seen */
	__u64 stall_ns;
	__u32 flags;
	__u32 spawner_pid;
	__u32 spawner_tid;
	__u32 forks_under_way;
	__u32 cow_tid; /* the thread whose CoW fault is `cow`; 0: none */
	struct cow_fault cow;
	__u64 pending_cow_ns; /* of a child, not yet charged to its row: the time of its CoW faults */
	__u64 pending_faults; /* likewise: all its faults, and above COW_SHIFT those that copy */
	__u64 spawner_cgroup;
	struct cost_key spawn;
	struct cost_key fork;
	struct sibling_waits siblings;
};

struct process_place {
	struct place place;
	/* Where nobody has the place it is all zeros, but for the stall that a spawner notes when its child is gone. */
	struct process process;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PLACES); /* user space: an eighth of --max-processes */
	__type(key, __u32);
	__type(value, struct process_place);
} process_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768 - PLACES); /* user space: the rest */
	__type(key, __u32);
	__type(value, struct process);
} displaced_procs SEC(".maps");

static const struct process no_process;

static __always_inline __u32 current_pid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline __u32 current_tid(void)
{
	return bpf_get_current_pid_tgid();
}

/* Never NULL, but the verifier cannot know that. */
static __always_inline struct process_place *process_place_of(__u32 pid)
{
	__u32 index = pid & last_place;

	return bpf_map_lookup_elem(&process_places, &index);
}

/* Returns the entry of a process, NULL if it has none. */
static __always_inline struct process *process_of(__u32 pid)
{
	struct process_place *at = process_place_of(pid);

	if (!at)
		return 0;
	if (at->place.id == pid)
		return &at->process;
	return at->place.displaced ? bpf_map_lookup_elem(&displaced_procs, &pid) : 0;
}

static __always_inline bool forget_displaced_process(struct place *place, __u32 pid, struct process *last)
{
	const struct process *process = place->displaced ? bpf_map_lookup_elem(&displaced_procs, &pid) : 0;

	if (!process)
		return false;
	*last = *process;
	if (bpf_map_delete_elem(&displaced_procs, &pid) != 0)
		return false;
	ADD(place->displaced, -1);
	return true;
}

/* Gives what the entry held at last. Returns false if it was not there, or another CPU has just removed it. */
static __always_inline bool forget_process(__u32 pid, struct process *last)
{
	struct process_place *at = process_place_of(pid);

	if (!at)
		return false;
	if (leave_place(&at->place, pid)) {
		*last = at->process;
		at->process = no_process;
		free_place(&at->place);
	} else if (!forget_displaced_process(&at->place, pid, last)) {
		return false;
	}
	ADD(health.processes_tracked, -1);
	return true;
}

static __always_inline struct process *new_displaced_process(struct place *place, __u32 pid)
{
	struct process *process;

	/* This comes first, so that the entry is found as soon as it is there. */
	ADD(place->displaced, 1);
	if (bpf_map_update_elem(&displaced_procs, &pid, &no_process, BPF_NOEXIST) == 0)
		ADD(health.processes_tracked, 1);
	else
		ADD(place->displaced, -1);
	process = bpf_map_lookup_elem(&displaced_procs, &pid);
	if (!process)
		ADD(health.processes_untracked, 1);
	return process;
}

/*
 * Returns an entry of zeros, or NULL if there is no room (counted). Returns the entry that is there already if another thread of the
 * process has just made it, or if nothing saw the end of an older process with this id.
 */
static __always_inline struct process *new_process(__u32 pid)
{
	struct process_place *at = process_place_of(pid);
	__u32 before;

	if (!at)
		return 0;
	before = take_place(&at->place, pid);
	if (!before)
		ADD(health.processes_tracked, 1);
	return !before || before == pid ? &at->process : new_displaced_process(&at->place, pid);
}

/* The entry of the current process, which is its own if it is no child that was seen. NULL as from new_process. */
static __always_inline struct process *spawning_process(__u32 pid, __u64 now)
{
	struct process *process = process_of(pid);

	if (process)
		return process;
	process = new_process(pid);
	if (process)
		process->spawned_ns = now;
	return process;
}

static __always_inline void remember_fork(const struct cost_key *key, __u64 now)
{
	struct process *process = spawning_process(current_pid(), now);

	if (!process)
		return;
	process->fork = *key;
	__sync_fetch_and_or(&process->flags, FORKED);
}

static __always_inline void remember_child(__u32 child, const struct cost_key *key, __u64 now)
{
	struct process *process = new_process(child);

	if (!process)
		return;
	*process = (struct process){
		.spawned_ns = now,
		.flags = CHILD,
		.spawner_pid = current_pid(),
		.spawner_tid = current_tid(),
		.spawner_cgroup = bpf_get_current_cgroup_id(),
		.spawn = *key,
	};
}

#endif
