/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * State that lasts from one hook to another. `calls` has the spawning calls under way, by thread. `processes` has children
 * until they exit, and processes that have forked, by pid: an exec from a thread that is not the leader changes the
 * thread's id, never the pid.
 */
#ifndef FORKTAX_STATE_BPF_H
#define FORKTAX_STATE_BPF_H

#include "table.bpf.h"

/* How many entries `calls` and `processes` each have room for; set by user space before loading. */
const volatile __u32 max_processes = 32768;

struct call {
	__u64 start_ns;	   /* 0: no call is under way */
	__u64 copy_end_ns; /* 0: the child does not exist yet */
	__u64 clone3_args; /* the address of the flags, if they could not be read on entry */
	__u64 copied_rss_bytes;
	__u64 copied_page_table_bytes;
	struct cost_key key;
	__u32 child;
	__u32 child_execd;
};

enum process_flags {
	CHILD = 1,	 /* the spawn that created it was seen; `spawn` is charged for what it does */
	EXECD = 2,	 /* it has called exec since then */
	STALL_KNOWN = 4, /* stall_ns is valid, because its spawner's call has returned */
	FORKED = 8,	 /* it has forked since its last exec; `fork` is charged for its CoW faults */
};

struct process {
	__u64 spawned_ns;
	__u64 stall_ns;
	__u32 flags;
	__u32 spawner_pid;
	__u32 spawner_tid;
	__u32 pad;
	__u64 spawner_cgroup;
	struct cost_key spawn;
	struct cost_key fork;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768); /* user space: --max-processes */
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768); /* likewise */
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

static __always_inline __u32 current_pid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline __u32 current_tid(void)
{
	return bpf_get_current_pid_tgid();
}

static __always_inline void forget_call(__u32 tid)
{
	/* The lookup comes first because a deletion locks its bucket even if there is nothing to delete. */
	if (bpf_map_lookup_elem(&calls, &tid) && bpf_map_delete_elem(&calls, &tid) == 0)
		ADD(health.calls_tracked, -1);
}

/* Reuses the entry of the thread's last call if there is one, which costs a quarter less: spawners often spawn again. */
static __always_inline void remember_call(__u32 tid, const struct call *call)
{
	struct call *last = bpf_map_lookup_elem(&calls, &tid);

	if (last)
		*last = *call;
	else if (bpf_map_update_elem(&calls, &tid, call, BPF_NOEXIST) == 0)
		ADD(health.calls_tracked, 1);
	else
		ADD(health.calls_untracked, 1);
}

/* Keeps the entry for the thread's next call until the thread ends, unless the table is half full. */
static __always_inline void call_ended(struct call *call, __u32 tid)
{
	call->start_ns = 0;
	if (health.calls_tracked > max_processes / 2)
		forget_call(tid);
}

/* Returns false if the entry was not there, or another CPU has just removed it. */
static __always_inline bool forget_process(__u32 pid)
{
	if (bpf_map_delete_elem(&processes, &pid) != 0)
		return false;
	ADD(health.processes_tracked, -1);
	return true;
}

static __always_inline void remember_process(__u32 pid, const struct process *process)
{
	if (bpf_map_update_elem(&processes, &pid, process, BPF_NOEXIST) == 0)
		ADD(health.processes_tracked, 1);
	else if (bpf_map_update_elem(&processes, &pid, process, BPF_ANY) != 0)
		ADD(health.processes_untracked, 1);
}

/* If the spawner is itself a known child, only the fields about its own forks change. */
static __always_inline void remember_fork(const struct cost_key *key)
{
	__u32 pid = current_pid();
	struct process *known = bpf_map_lookup_elem(&processes, &pid);
	struct process spawner = {.flags = FORKED, .fork = *key};

	if (!known) {
		remember_process(pid, &spawner);
		return;
	}
	known->fork = *key;
	__sync_fetch_and_or(&known->flags, FORKED);
}

static __always_inline void remember_child(__u32 child, const struct cost_key *key, __u64 now)
{
	struct process process = {
		.spawned_ns = now,
		.flags = CHILD,
		.spawner_pid = current_pid(),
		.spawner_tid = current_tid(),
		.spawner_cgroup = bpf_get_current_cgroup_id(),
		.spawn = *key,
	};

	remember_process(child, &process);
}

/* An event of the current thread, which spawns. NULL as from reserve_event. */
static __always_inline struct event *event_of_spawner(enum event_kind kind, const struct cost_key *charged, __u32 child,
						      __u64 now)
{
	struct event *event = reserve_event(kind, charged, child, now);

	if (!event)
		return 0;
	event->pid = current_pid();
	event->tid = current_tid();
	event->cgroup = bpf_get_current_cgroup_id();
	return event;
}

/* An event in the life of a child. NULL as from reserve_event. */
static __always_inline struct event *event_of_child(enum event_kind kind, const struct process *child, __u32 pid,
						    __u64 now)
{
	struct event *event = reserve_event(kind, &child->spawn, pid, now);

	if (!event)
		return 0;
	event->pid = child->spawner_pid;
	event->tid = child->spawner_tid;
	event->cgroup = child->spawner_cgroup;
	event->since_spawn_ns = now - child->spawned_ns;
	return event;
}

#endif
