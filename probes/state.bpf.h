/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * State that lasts from one hook to another: the spawning calls under way, by thread, and by pid children until they exit, and
 * processes that have forked. An exec from a thread that is not the leader changes the thread's id, never the pid.
 * places.bpf.h says where the entries are.
 */
#ifndef FORKTAX_STATE_BPF_H
#define FORKTAX_STATE_BPF_H

#include "details.bpf.h"
#include "places.bpf.h"
#include "table.bpf.h"

/* How many calls there is room for, and how many processes; set by user space before loading. */
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

struct call_place {
	struct place place;
	struct call call;
};

struct process_place {
	struct place place;
	struct process process; /* all zeros where nobody has the place */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PLACES); /* user space: an eighth of --max-processes */
	__type(key, __u32);
	__type(value, struct call_place);
} call_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768 - PLACES); /* user space: the rest */
	__type(key, __u32);
	__type(value, struct call);
} displaced_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PLACES); /* likewise */
	__type(key, __u32);
	__type(value, struct process_place);
} process_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768 - PLACES); /* likewise */
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
static __always_inline struct call_place *call_place_of(__u32 tid)
{
	__u32 index = tid & last_place;

	return bpf_map_lookup_elem(&call_places, &index);
}

/* Never NULL either. */
static __always_inline struct process_place *process_place_of(__u32 pid)
{
	__u32 index = pid & last_place;

	return bpf_map_lookup_elem(&process_places, &index);
}

/* Returns the entry of a thread, NULL if it has none. */
static __always_inline struct call *call_of(__u32 tid)
{
	struct call_place *at = call_place_of(tid);

	if (!at)
		return 0;
	if (at->place.id == tid)
		return &at->call;
	return at->place.displaced ? bpf_map_lookup_elem(&displaced_calls, &tid) : 0;
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

static __always_inline void forget_call(__u32 tid)
{
	struct call_place *at = call_place_of(tid);

	if (!at)
		return;
	if (at->place.id == tid)
		free_place(&at->place);
	else if (at->place.displaced && bpf_map_delete_elem(&displaced_calls, &tid) == 0)
		ADD(at->place.displaced, -1);
	else
		return;
	ADD(health.calls_tracked, -1);
}

static __always_inline void remember_displaced_call(struct place *place, __u32 tid, const struct call *call)
{
	/* First, so that the entry is found as soon as it is there. */
	ADD(place->displaced, 1);
	if (bpf_map_update_elem(&displaced_calls, &tid, call, BPF_NOEXIST) == 0) {
		ADD(health.calls_tracked, 1);
		return;
	}
	ADD(place->displaced, -1);
	ADD(health.calls_untracked, 1);
}

static __always_inline void remember_first_call(__u32 tid, const struct call *call)
{
	struct process *process = process_of(current_pid());
	struct call_place *at = call_place_of(tid);

	if (process)
		__sync_fetch_and_or(&process->flags, CALLER);
	if (!at)
		return;
	if (take_place(&at->place, tid) != 0) {
		remember_displaced_call(&at->place, tid, call);
		return;
	}
	at->call = *call;
	ADD(health.calls_tracked, 1);
}

/* Reuses the entry of the thread's last call if there is one: spawners often spawn again. */
static __always_inline void remember_call(__u32 tid, const struct call *call)
{
	struct call *last = call_of(tid);

	if (last)
		*last = *call;
	else
		remember_first_call(tid, call);
}

/* Keeps the entry for the thread's next call until the thread ends, unless this one made no child or the room is half full. */
static __always_inline void call_ended(struct call *call, __u32 tid)
{
	call->start_ns = 0;
	if (!call->copy_end_ns || health.calls_tracked > max_processes / 2)
		forget_call(tid);
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
