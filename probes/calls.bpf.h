/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Begin and end of a spawning call, and a failed exec, whichever hook sees them. */
#ifndef FORKTAX_CALLS_BPF_H
#define FORKTAX_CALLS_BPF_H

#include "arch.bpf.h"
#include "filter.bpf.h"
#include "siblings.bpf.h"
#include "stacks.bpf.h"

/* The cost of one afork on this host. User space sets it before loading. */
const volatile __u64 afork_cost_ns;

static __always_inline enum mechanism mechanism_of(__u64 clone_flags)
{
	if (!(clone_flags & CLONE_VM))
		return MECHANISM_FORK;
	return clone_flags & CLONE_VFORK ? MECHANISM_VFORK : MECHANISM_AFORK;
}

/* The kernel reads the flags after spawn_begin. If their page is not present then, it is at the end of a failed call. */
static __always_inline bool read_clone_flags(__u64 *flags, __u64 clone3_args)
{
	return bpf_probe_read_user(flags, sizeof(*flags), (void *)clone3_args) == 0;
}

/*
 * task_newtask has the flags too. To read them takes a third of the time of spawn_begin, so this is done only if it pays: for
 * siblings that may be blocked, for a copy of the stack, and where many calls make threads.
 */
static __always_inline bool flags_can_wait(void)
{
	return bpf_get_current_task_btf()->signal->nr_threads < 2 && !(stack_chunks && stacks_wanted);
}

/* `clone3_args` is the address of the flags if the caller does not know them yet, else 0. */
static __always_inline int spawn_begin(enum spawn_syscall syscall, __u64 flags, __u64 clone3_args)
{
	struct call call = {.start_ns = bpf_ktime_get_ns()};
	__u32 tid = current_tid();

	if (clone3_args && (flags_can_wait() || !read_clone_flags(&flags, clone3_args)))
		call.clone3_args = clone3_args;
	if (flags & CLONE_THREAD || is_inactive())
		return 0;
	if (!charge_current(&call.key, syscall))
		return 0;
	call.key.mechanism = mechanism_of(flags);
	if (stack_chunks && stacks_wanted) {
		call.stack = copy_stack(call.start_ns);
		call.start_ns = bpf_ktime_get_ns(); /* the copy is no part of the stall */
	}
	block_siblings(&call);
	remember_call(tid, &call);
	return 0;
}

/* Charges the stall of a spawn whose child called exec: afork would have served that child as well. */
static __always_inline void charge_exec_stall(struct cost_row *row, __u64 stall_ns)
{
	ADD(row->exec_stalls, 1);
	ADD(row->exec_stall_ns, stall_ns);
	if (stall_ns > afork_cost_ns)
		ADD(row->avoidable_stall_ns, stall_ns - afork_cost_ns);
}

/*
 * The stall of a spawn and the exec of its child become known in either order, on two CPUs. Whichever comes second
 * charges the row: each side sets its flag and reads the other's in one atomic step. If the child is already gone,
 * `child_execd` in the call says that it called exec.
 */
static __always_inline bool exec_came_first(const struct call *call, __u64 stall_ns)
{
	struct process *child = process_of(call->child);

	if (!child)
		return call->child_execd;
	child->stall_ns = stall_ns;
	return __sync_fetch_and_or(&child->flags, STALL_KNOWN) & EXECD;
}

static __always_inline void note_slowest(struct cost_row *row, __u64 now, __u64 stall_ns)
{
	if (stall_ns < row->slowest.stall_ns && now - row->slowest.time_ns < SLOWEST_FOR_SECONDS * NS_PER_SECOND)
		return;
	row->slowest.stall_ns = stall_ns;
	row->slowest.time_ns = now;
	row->slowest.pid = current_pid();
}

static __always_inline void send_spawn(const struct call *call, __u64 now, long error)
{
	enum event_kind kind = error ? EVENT_SPAWN_FAILURE : EVENT_SPAWN;
	struct event *event = event_of_spawner(kind, &call->key, call->child, now);

	if (!event)
		return;
	event->stall_ns = now - call->start_ns;
	event->copy_ns = error ? 0 : call->copy_end_ns - call->start_ns;
	event->copied_rss_bytes = call->copied_rss_bytes;
	event->copied_page_table_bytes = call->copied_page_table_bytes;
	event->stack = call->stack;
	event->sibling_wait_ns = sibling_wait_during(call, now);
	event->error = error;
	submit_event(event);
}

static __always_inline void spawn_failed(struct call *call, __u64 now, long error)
{
	__u64 flags;

	if (call->clone3_args && read_clone_flags(&flags, call->clone3_args)) {
		if (flags & CLONE_THREAD)
			return;
		call->key.mechanism = mechanism_of(flags);
	}
	count_failure(&call->key, FAILURE_SPAWN, error);
	send_spawn(call, now, error);
}

static __always_inline void spawn_succeeded(const struct call *call, __u64 now)
{
	struct cost_row *row;

	if (!call->copy_end_ns) /* it was a thread that was made */
		return;
	row = row_of(&call->key, now);
	if (row) {
		__u64 stall_ns = now - call->start_ns;

		observe_time(&row->stall, stall_ns);
		ADD(row->copy_ns, call->copy_end_ns - call->start_ns);
		if (exec_came_first(call, stall_ns))
			charge_exec_stall(row, stall_ns);
		note_slowest(row, now, stall_ns);
	}
	send_spawn(call, now, 0);
}

/* `result` is a pid or -errno. The child also returns through here, with 0. */
static __always_inline int spawn_end(long result)
{
	__u32 tid = current_tid();
	struct call *call;
	__u64 now;

	if (result == 0 || is_inactive())
		return 0;
	now = bpf_ktime_get_ns();
	call = call_of(tid);
	if (!call || !call->start_ns)
		return 0;
	release_siblings(call, now);
	if (result < 0)
		spawn_failed(call, now, -result);
	else
		spawn_succeeded(call, now);
	call_ended(call, tid);
	return 0;
}

static __always_inline int exec_failed(unsigned long file, long error)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 pid = current_pid();
	struct process *child = process_of(pid);
	struct event *event;

	if (is_inactive() || !child || !(child->flags & CHILD) || child->flags & EXECD)
		return 0;
	count_failure(&child->spawn, FAILURE_EXEC, error);
	event = event_of_child(EVENT_EXEC_FAILURE, child, pid, now, 0);
	if (!event)
		return 0;
	event->error = error;
	bpf_probe_read_user_str(event->file, sizeof(event->file), (void *)file);
	submit_event(event);
	return 0;
}

static __always_inline enum spawn_syscall syscall_of_current(struct task_struct *task)
{
	return call_number(task, syscall_nr((struct pt_regs *)bpf_task_pt_regs(task))).syscall;
}

#endif
