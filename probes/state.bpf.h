/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * State that lasts from one hook to another: the spawning calls under way, by thread, and processes (processes.bpf.h). places.bpf.h
 * says where the entries are.
 */
#ifndef FORKTAX_STATE_BPF_H
#define FORKTAX_STATE_BPF_H

#include "details.bpf.h"
#include "processes.bpf.h"

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
	__u64 clone3_args; /* the address of the flags, if they were not read on entry */
	__u64 copied_rss_bytes;
	__u64 copied_page_table_bytes;
	__u64 stack; /* as in struct event */
	struct cost_key key;
	__u64 sibling_ns_before; /* if `siblings` is not ALONE: what sibling_ns_until gave at the start */
	__u32 child;
	bool child_execd;
	__u8 siblings; /* an enum siblings */
};

struct call_place {
	struct place place;
	struct call call;
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

/* Never NULL, but the verifier cannot know that. */
static __always_inline struct call_place *call_place_of(__u32 tid)
{
	__u32 index = tid & last_place;

	return bpf_map_lookup_elem(&call_places, &index);
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
	/* This comes first, so that the entry is found as soon as it is there. */
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
