// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Measures what each spawn costs the process that calls it.
 *
 * A spawn passes through here in this order. The chosen call hook, one of three, sees the first and the last step:
 *
 *   spawn_begin        entry of fork, vfork, clone, clone3, in the spawner
 *   task_newtask       the child exists, in the spawner: end of copy
 *   sched_process_exec the child's first exec that worked; exec_failed before it, each that did not
 *   spawn_end          return to the spawner; for a vfork after the child's exec
 *   sched_process_exit of the child
 *
 * spawn_begin, spawn_end and exec_failed are in calls.bpf.h, and the hooks that see them in call-hooks.bpf.h. The state in
 * between is in state.bpf.h, and the table of costs in table.bpf.h.
 */
/* First, so that a kernel without fexit refuses it before it has verified the other programs. */
#include "cow-faults.bpf.h"

#include "call-hooks.bpf.h"
#include "memory.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* ---- the child exists ---------------------------------------------------------------------------------------- */

/* The entry of the call was not seen: it came before the probes, or no hook sees it. */
static __always_inline void send_spawn_without_stall(const struct cost_key *key, struct task_struct *child, __u64 now,
						     __u64 rss_bytes, __u64 page_table_bytes)
{
	struct event *event = event_of_spawner(EVENT_SPAWN, key, child->pid, now);

	if (!event)
		return;
	event->copied_rss_bytes = rss_bytes;
	event->copied_page_table_bytes = page_table_bytes;
	event->no_stall = true;
	submit_event(event);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(task_newtask, struct task_struct *child, __u64 clone_flags)
{
	__u64 now = bpf_ktime_get_ns(), rss_bytes = 0, page_table_bytes = 0;
	struct task_struct *task = bpf_get_current_task_btf();
	struct cost_key key = {};
	__u32 tid = current_tid();
	struct cost_row *row;
	struct call *call;

	if (clone_flags & CLONE_THREAD || is_inactive())
		return 0;
	call = call_of(tid);
	if (call && !call->start_ns)
		call = 0;
	if (call)
		key = call->key;
	else if (!charge_current(&key, syscall_of_current(task)))
		return 0;
	key.mechanism = mechanism_of(clone_flags);
	if (key.mechanism == MECHANISM_FORK) {
		struct mm_struct *mm = child->mm;

		rss_bytes = resident_bytes(mm);
		page_table_bytes = mm->pgtables_bytes.counter;
		remember_fork(&key, now);
	}
	remember_child(child->pid, &key, now);
	row = row_of(&key, now);
	if (row) {
		ADD(row->spawns, 1);
		ADD(row->copied_page_table_bytes, page_table_bytes);
		observe_size(&row->copied_rss, rss_bytes);
	}
	/* Without this the compiler tests a copy of the condition above, which the verifier of Linux 5.15 cannot follow. */
	barrier_var(call);
	if (!call) {
		send_spawn_without_stall(&key, child, now, rss_bytes, page_table_bytes);
		return 0;
	}
	release_siblings(call, now);
	call->key = key;
	call->child = child->pid;
	call->copy_end_ns = now;
	call->copied_rss_bytes = rss_bytes;
	call->copied_page_table_bytes = page_table_bytes;
	return 0;
}

/* ---- faults of the child -------------------------------------------------------------------------------------- */

/*
 * To find the row takes as long as all else at a fault, so a child's faults are counted in its own entry, and charged to the row
 * sixteen at a time, and at its exec or exit.
 */
#define PENDING_FAULTS 16
#define COW_SHIFT 32

static __always_inline void charge_child_faults(struct cost_row *row, __u64 faults, __u64 cow_ns)
{
	if (!row)
		return;
	if (cow_ns)
		ADD(row->cow_faults_child_ns, cow_ns);
	if (!faults)
		return;
	ADD(row->child_faults, (__u32)faults);
	if (faults >> COW_SHIFT)
		ADD(row->cow_faults_child, faults >> COW_SHIFT);
}

static __always_inline void charge_pending_faults(struct cost_row *row, struct process *child)
{
	__u64 cow_ns = 0;

	if (times_cow_faults && child->pending_cow_ns)
		cow_ns = __sync_lock_test_and_set(&child->pending_cow_ns, 0);

	charge_child_faults(row, __sync_lock_test_and_set(&child->pending_faults, 0), cow_ns);
}

/* ---- the child execs, faults, ends --------------------------------------------------------------------------- */

static __always_inline void send_exec(const struct process *child, __u32 pid, struct linux_binprm *bprm, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct event *event;

	if (arguments_wanted(task)) {
		event = event_of_child(EVENT_EXEC, child, pid, now, sizeof(struct arguments));
		if (event) {
			event->detail = DETAIL_ARGUMENTS;
			read_arguments((struct arguments *)(event + 1), task);
		}
	} else {
		event = event_of_child(EVENT_EXEC, child, pid, now, 0);
	}
	if (!event)
		return;
	bpf_probe_read_kernel_str(event->file, sizeof(event->file), BPF_CORE_READ(bprm, filename));
	submit_event(event);
}

static __always_inline void first_exec(struct process *child, __u32 pid, struct linux_binprm *bprm)
{
	__u64 now = bpf_ktime_get_ns();
	struct cost_row *row = row_of(&child->spawn, now);
	__u32 before = __sync_fetch_and_or(&child->flags, EXECD);
	__u32 spawner_tid = child->spawner_tid;

	charge_pending_faults(row, child);
	if (row)
		observe_time(&row->exec_delay, now - child->spawned_ns);
	if (before & STALL_KNOWN) {
		if (row)
			charge_exec_stall(row, child->stall_ns);
	} else {
		struct call *call = call_of(spawner_tid);

		if (call && call->child == pid)
			call->child_execd = true;
	}
	send_exec(child, pid, bprm, now);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	__u32 pid = current_pid();
	struct process *process, last;

	if (is_inactive())
		return 0;
	process = process_of(pid);
	if ((__u32)old_pid !=
	    pid) { /* a thread other than the leader called exec; from now on it has the leader's thread id */
		forget_call(old_pid);
		forget_cow_fault(old_pid);
	}
	if (!process)
		return 0;
	if (!(process->flags & CHILD)) { /* its copied memory is gone */
		forget_process(pid, &last);
		return 0;
	}
	if (!(process->flags & EXECD))
		first_exec(process, pid, bprm);
	__sync_fetch_and_and(&process->flags, ~FORKED);
	return 0;
}

static __always_inline void send_exit(const struct process *child, __u32 pid, __u32 exit_code, __u64 now)
{
	struct event *event = event_of_child(EVENT_EXIT, child, pid, now, 0);

	if (!event)
		return;
	event->exit_code = exit_code;
	event->exec_seen = !!(child->flags & EXECD);
	submit_event(event);
}

static __always_inline void child_ended(const struct process *child, __u32 pid, __u32 exit_code)
{
	__u64 now = bpf_ktime_get_ns();
	struct cost_row *row = row_of(&child->spawn, now);

	charge_child_faults(row, child->pending_faults, child->pending_cow_ns);
	if (row)
		observe_lifetime(&row->lifetime, now - child->spawned_ns);
	send_exit(child, pid, exit_code, now);
}

/* Most children never spawn, and to look for a call takes a tenth of the time of their end. */
static __always_inline bool may_have_called(const struct process *process)
{
	return !process || (process->flags & (CHILD | CALLER)) != CHILD;
}

/*
 * Each thread decrements `live` before it comes here, so threads that exit at the same time may all see that no thread is
 * left. The one that removes the process' entry reports the exit.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	__u32 pid = current_pid();
	const struct process *process;
	struct process ended;

	if (is_inactive())
		return 0;
	process = process_of(pid);
	if (may_have_called(process))
		abandon_call(current_tid());
	forget_cow_fault(current_tid());
	if (!process || task->signal->live.counter > 0) /* other threads are still alive */
		return 0;
	if (forget_process(pid, &ended) && ended.flags & CHILD)
		child_ended(&ended, pid, task->exit_code);
	return 0;
}

#if defined(__TARGET_ARCH_x86)
static __always_inline void charge_faults(struct process *process, bool cow)
{
	__u32 flags = process->flags;
	struct cost_row *row;
	__u64 one;

	if (cow && flags & FORKED) {
		row = row_of(&process->fork, 0);
		if (row)
			ADD(row->cow_faults_parent, 1);
	}
	if (!(flags & CHILD) || flags & EXECD)
		return;
	one = cow && !(flags & FORKED) ? 1 | 1ULL << COW_SHIFT : 1;
	if ((__u32)__sync_fetch_and_add(&process->pending_faults, one) + 1 >= PENDING_FAULTS)
		charge_pending_faults(row_of(&process->spawn, 0), process);
}

/* Runs at every page fault of the host, so it returns as early as possible. */
SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	const unsigned long cow_bits = PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE;
	struct task_struct *task = bpf_get_current_task_btf();
	bool cow = (error_code & cow_bits) == cow_bits;
	struct process *process;
	__u32 pid;

	if ((!cow && !(task->flags & PF_FORKNOEXEC)) || is_inactive())
		return 0;
	pid = task->tgid;
	process = process_of(pid);
	if (!process)
		return 0;
	charge_faults(process, cow);
	if (cow)
		cow_fault_begins(process, address);
	return 0;
}
#endif
