/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * State that lasts from one hook to another. `calls` has the spawning calls under way, by thread. `processes` has children
 * until they exit, and processes that have forked, by pid: an exec from a thread that is not the leader changes the
 * thread's id, never the pid.
 */
#ifndef FORKTAX_STATE_BPF_H
#define FORKTAX_STATE_BPF_H

#include "details.bpf.h"
#include "table.bpf.h"

/* How many entries `calls` and `processes` each have room for; set by user space before loading. */
const volatile __u32 max_processes = 32768;

/* Whether the memory map that a call copies has other users than its caller. */
enum siblings {
	ALONE,	  /* no, or the call copies nothing */
	BLOCKED,  /* yes, and the call is counted in `forks_under_way` */
	RELEASED, /* yes, but the child exists or the call has failed */
};

struct call {
	__u64 start_ns;	   /* 0: no call is under way */
	__u64 copy_end_ns; /* 0: the child does not exist yet */
	__u64 clone3_args; /* the address of the flags, if they could not be read on entry */
	__u64 copied_rss_bytes;
	__u64 copied_page_table_bytes;
	__u64 stack; /* as in struct event */
	struct cost_key key;
	__u64 sibling_ns_before; /* if `siblings` is not ALONE: what sibling_ns_until gave at the start */
	__u32 child;
	bool child_execd;
	__u8 siblings; /* an enum siblings */
};

enum process_flags {
	CHILD = 1,	 /* the spawn that created it was seen; `spawn` is charged for what it does */
	EXECD = 2,	 /* it has called exec since then */
	STALL_KNOWN = 4, /* stall_ns is valid, because its spawner's call has returned */
	FORKED = 8,	 /* it has forked since its last exec; `fork` is charged for its CoW faults */
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
	struct process spawner = {.spawned_ns = bpf_ktime_get_ns(), .flags = FORKED, .fork = *key};

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
	__u64 detail_bytes = wants_ancestors ? sizeof(struct ancestors) : 0;
	struct event *event = reserve_event(kind, charged, child, now, detail_bytes);

	if (!event)
		return 0;
	event->pid = current_pid();
	event->tid = current_tid();
	event->cgroup = bpf_get_current_cgroup_id();
	if (wants_ancestors) {
		event->detail = DETAIL_ANCESTORS;
		read_ancestors((struct ancestors *)(event + 1), bpf_get_current_task_btf());
	}
	return event;
}

/* An event in the life of a child. NULL as from reserve_event, and `detail_bytes` likewise. */
static __always_inline struct event *event_of_child(enum event_kind kind, const struct process *child, __u32 pid,
						    __u64 now, __u64 detail_bytes)
{
	struct event *event = reserve_event(kind, &child->spawn, pid, now, detail_bytes);

	if (!event)
		return 0;
	event->pid = child->spawner_pid;
	event->tid = child->spawner_tid;
	event->cgroup = child->spawner_cgroup;
	event->since_spawn_ns = now - child->spawned_ns;
	return event;
}

#endif
