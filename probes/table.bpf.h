/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The table of costs, the table of failures and the ring of events. All are bounded; what finds no place is folded or counted. */
#ifndef FORKTAX_TABLE_BPF_H
#define FORKTAX_TABLE_BPF_H

#include "slot.h"
#include "spawn.h"
#include <bpf/bpf_helpers.h>

#define ADD(counter, n) __sync_fetch_and_add(&(counter), (n))
#define E2BIG 7 /* include/uapi/asm-generic/errno-base.h */
#define NS_PER_SECOND 1000000000ULL

/* Set by user space before loading. */
const volatile __u64 time_bounds_ns[TIME_BOUNDS];
const volatile __u64 lifetime_bounds_ns[LIFETIME_BOUNDS];
const volatile __u64 size_bounds_bytes[SIZE_BOUNDS];

struct health health;
/* Set when a row finds no room. User space clears it when it has made room, so a full table costs no more than one that has room. */
__u32 table_is_full;
/* User space sets it while somebody reads the ring. */
__u32 streaming;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024); /* user space: --max-spawners */
	__type(key, struct cost_key);
	__type(value, struct cost_row);
} costs SEC(".maps");

/* Costs that found no row in `costs`, by mechanism and syscall. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MECHANISMS *SYSCALLS);
	__type(key, __u32);
	__type(value, struct cost_row);
} other_costs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FAILURES);
	__type(key, struct failure_key);
	__type(value, __u64);
} failures SEC(".maps");

/* Failures that found no row in `failures`, by kind, syscall and errno. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FAILURE_KINDS * SYSCALLS * MAX_ERRNO);
	__type(key, __u32);
	__type(value, __u64);
} other_failures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* user space: ringBytes */
} events SEC(".maps");

const struct contract *contract __attribute__((unused));

static const struct cost_row empty_row;
static const __u64 zero;

static __always_inline void observe(__u64 *slots, __u64 *sum, const volatile __u64 *bounds, struct scale scale,
				    __u64 value)
{
	__u32 slot = slot_of(bounds, scale, value);

	if (slot > scale.bounds) /* never, but the verifier cannot know */
		return;
	ADD(slots[slot], 1);
	ADD(*sum, value);
}

static __always_inline void observe_time(struct time_histogram *histogram, __u64 ns)
{
	observe(histogram->slots, &histogram->sum_ns, time_bounds_ns, time_scale, ns);
}

static __always_inline void observe_lifetime(struct lifetime_histogram *histogram, __u64 ns)
{
	observe(histogram->slots, &histogram->sum_ns, lifetime_bounds_ns, lifetime_scale, ns);
}

static __always_inline void observe_size(struct size_histogram *histogram, __u64 bytes)
{
	observe(histogram->slots, &histogram->sum_bytes, size_bounds_bytes, size_scale, bytes);
}

static __always_inline struct cost_row *other_row(const struct cost_key *key)
{
	__u32 index = key->mechanism * SYSCALLS + key->syscall;

	ADD(health.rows_folded, 1);
	return bpf_map_lookup_elem(&other_costs, &index);
}

/* Returns the row to charge. It is never NULL, but the verifier cannot know that. `now` 0 does not count as use. */
static __always_inline struct cost_row *row_of(const struct cost_key *key, __u64 now)
{
	struct cost_row *row = bpf_map_lookup_elem(&costs, key);

	if (!row && !table_is_full) {
		if (bpf_map_update_elem(&costs, key, &empty_row, BPF_NOEXIST) == -E2BIG)
			table_is_full = true;
		row = bpf_map_lookup_elem(&costs, key);
	}
	if (!row)
		row = other_row(key);
	if (row && now)
		row->last_used_ns = now;
	return row;
}

static __always_inline void fold_failure(const struct failure_key *key)
{
	__u32 error = key->error < MAX_ERRNO ? key->error : 0;
	__u32 index = (key->kind * SYSCALLS + key->syscall) * MAX_ERRNO + error;
	__u64 *count = bpf_map_lookup_elem(&other_failures, &index);

	ADD(health.failures_folded, 1);
	if (count)
		ADD(*count, 1);
}

static __always_inline void count_failure(const struct cost_key *charged, enum failure_kind kind, long error)
{
	struct failure_key key = {.id = charged->id, .error = error, .kind = kind, .syscall = charged->syscall};
	__u64 *count;

	__builtin_memcpy(key.comm, charged->comm, COMM_LEN);
	count = bpf_map_lookup_elem(&failures, &key);
	if (!count) {
		bpf_map_update_elem(&failures, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&failures, &key);
	}
	if (count)
		ADD(*count, 1);
	else
		fold_failure(&key);
}

/*
 * Returns an event to fill in and submit with NO_WAKEUP (the reader polls), or NULL if nobody reads or there is no room
 * (counted). There is room for `detail_bytes` after it, a constant.
 */
static __always_inline struct event *reserve_event(enum event_kind kind, const struct cost_key *charged, __u32 child,
						   __u64 now, __u64 detail_bytes)
{
	struct event *event;

	if (!streaming)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event) + detail_bytes, 0);
	if (!event) {
		ADD(health.events_lost, 1);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = now;
	event->kind = kind;
	event->child = child;
	event->mechanism = charged->mechanism;
	event->syscall = charged->syscall;
	__builtin_memcpy(event->comm, charged->comm, COMM_LEN);
	return event;
}

static __always_inline void submit_event(struct event *event)
{
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
