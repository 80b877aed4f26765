// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * What each spawn costs the process that calls it.
 *
 * A spawn passes through here in this order, the first and the last as seen by whichever of three hooks is chosen:
 *
 *   spawn_begin        entry of fork, vfork, clone, clone3, in the spawner
 *   task_newtask       the child exists, in the spawner: end of copy
 *   sched_process_exec first success in the child; spawn_failed_exec each failure before it
 *   spawn_end          return to the spawner; for a vfork after the child's exec
 *   sched_process_exit of the child
 *
 * `calls` holds spawning calls under way, by thread. `processes` holds children until they end, and processes that
 * have forked, by pid: an exec from a thread that is not the leader changes the thread's id, never the pid.
 */
#include "arch.bpf.h"
#include "memory.bpf.h"
#include "table.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

enum label_id {
	LABEL_NONE,
	LABEL_CGROUP,
	LABEL_PID
};

/* Set by user space before loading; 0 and "" mean any. */
const volatile __u32 label_id = LABEL_NONE;
const volatile __u32 own_pid;
const volatile __u32 filter_pid;
const volatile bool filter_follow;
const volatile bool filter_comm_set;
const volatile char filter_comm[COMM_LEN];
const volatile __u64 filter_cgroup;
const volatile __u64 afork_cost_ns;

struct call {
	__u64 start_ns;
	__u64 copy_end_ns; /* 0: no child yet */
	__u64 clone3_args; /* where the flags are, if they could not be read on entry */
	__u64 copied_rss_bytes;
	__u64 copied_page_table_bytes;
	struct cost_key key;
	__u32 child;
	__u32 child_execd;
};

enum process_flags {
	BORN = 1,	 /* we saw its birth: `birth` is charged for it */
	EXECD = 2,	 /* since that birth */
	STALL_KNOWN = 4, /* stall_ns is valid: its spawner's call has returned */
	FORKED = 8,	 /* since its last exec: `fork` is charged for its CoW faults */
};

struct process {
	__u64 birth_ns;
	__u64 stall_ns;
	__u32 flags;
	__u32 spawner_pid;
	__u32 spawner_tid;
	__u32 pad;
	__u64 spawner_cgroup;
	struct cost_key birth;
	struct cost_key fork;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
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

static __always_inline bool wanted_comm(const char *comm)
{
	if (!filter_comm_set)
		return true;
	for (int i = 0; i < COMM_LEN; i++) {
		if (comm[i] != filter_comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

static __always_inline bool wanted_pid(__u32 pid)
{
	struct process *process;

	if (pid == own_pid)
		return false;
	if (!filter_pid || pid == filter_pid)
		return true;
	if (!filter_follow)
		return false;
	/* Only descendants of filter_pid were ever put there as born. */
	process = bpf_map_lookup_elem(&processes, &pid);
	return process && process->flags & BORN;
}

/* Whose spawn is this? False: not one that we were asked for. */
static __always_inline bool charge_current(struct cost_key *key, enum spawn_syscall syscall)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 pid = current_pid();

	if (task->flags & PF_KTHREAD || !wanted_pid(pid))
		return false;
	if (filter_cgroup && bpf_get_current_cgroup_id() != filter_cgroup)
		return false;
	bpf_probe_read_kernel_str(key->comm, COMM_LEN, task->group_leader->comm);
	if (!wanted_comm(key->comm))
		return false;
	key->syscall = syscall;
	if (label_id == LABEL_CGROUP)
		key->id = bpf_get_current_cgroup_id();
	else if (label_id == LABEL_PID)
		key->id = pid;
	return true;
}

static __always_inline enum mechanism mechanism_of(__u64 clone_flags)
{
	if (!(clone_flags & CLONE_VM))
		return MECHANISM_FORK;
	return clone_flags & CLONE_VFORK ? MECHANISM_VFORK : MECHANISM_AFORK;
}

/* `clone3_args`: where the flags are, if the caller does not know them yet; else 0. */
static __always_inline int spawn_begin(enum spawn_syscall syscall, __u64 flags, __u64 clone3_args)
{
	struct call call = {.start_ns = bpf_ktime_get_ns()};
	__u32 tid = current_tid();

	/* The kernel reads them after us: if the page is not there now, it will be at the end of a call that failed. */
	if (clone3_args && bpf_probe_read_user(&flags, sizeof(flags), (void *)clone3_args) != 0)
		call.clone3_args = clone3_args;
	if (flags & CLONE_THREAD)
		return 0;
	if (!charge_current(&call.key, syscall))
		return 0;
	call.key.mechanism = mechanism_of(flags);
	if (bpf_map_update_elem(&calls, &tid, &call, BPF_NOEXIST) == 0)
		ADD(health.calls_tracked, 1);
	else if (bpf_map_update_elem(&calls, &tid, &call, BPF_ANY) != 0)
		ADD(health.calls_untracked, 1);
	return 0;
}

static __always_inline void forget_call(__u32 tid)
{
	if (bpf_map_delete_elem(&calls, &tid) == 0)
		ADD(health.calls_tracked, -1);
}

static __always_inline void forget_process(__u32 pid)
{
	if (bpf_map_delete_elem(&processes, &pid) == 0)
		ADD(health.processes_tracked, -1);
}

static __always_inline void remember_process(__u32 pid, const struct process *process)
{
	if (bpf_map_update_elem(&processes, &pid, process, BPF_NOEXIST) == 0)
		ADD(health.processes_tracked, 1);
	else if (bpf_map_update_elem(&processes, &pid, process, BPF_ANY) != 0)
		ADD(health.processes_untracked, 1);
}

/* The child would have been as well off with afork: it went on to exec. */
static __always_inline void charge_exec_stall(struct cost_row *row, __u64 stall_ns)
{
	ADD(row->exec_stalls, 1);
	ADD(row->exec_stall_ns, stall_ns);
	if (stall_ns > afork_cost_ns)
		ADD(row->avoidable_stall_ns, stall_ns - afork_cost_ns);
}

/*
 * A spawn's stall and its child's exec become known in either order, on two CPUs. Whoever comes second charges: each
 * sets its flag at once with seeing the other's. If the child is already gone, its exec left word in the call.
 */
static __always_inline bool exec_came_first(const struct call *call, __u64 stall_ns)
{
	struct process *child = bpf_map_lookup_elem(&processes, &call->child);

	if (!child)
		return call->child_execd;
	child->stall_ns = stall_ns;
	return __sync_fetch_and_or(&child->flags, STALL_KNOWN) & EXECD;
}

static __always_inline void note_slowest(struct cost_row *row, __u64 now, __u64 stall_ns)
{
	if (stall_ns < row->slowest.stall_ns && now - row->slowest.time_ns < SLOWEST_FOR_NS)
		return;
	row->slowest.stall_ns = stall_ns;
	row->slowest.time_ns = now;
	row->slowest.pid = current_pid();
}

static __always_inline void send_spawn(const struct call *call, __u64 now, long error)
{
	struct event *event = reserve_event(error ? EVENT_SPAWN_FAILURE : EVENT_SPAWN, &call->key, now);

	if (!event)
		return;
	event->pid = current_pid();
	event->tid = current_tid();
	event->cgroup = bpf_get_current_cgroup_id();
	event->child = call->child;
	event->stall_ns = now - call->start_ns;
	event->copy_ns = error ? 0 : call->copy_end_ns - call->start_ns;
	event->copied_rss_bytes = call->copied_rss_bytes;
	event->copied_page_table_bytes = call->copied_page_table_bytes;
	event->error = error;
	submit_event(event);
}

static __always_inline void spawn_failed(struct call *call, __u64 now, long error)
{
	__u64 flags;

	if (call->clone3_args && bpf_probe_read_user(&flags, sizeof(flags), (void *)call->clone3_args) == 0) {
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

	if (!call->copy_end_ns) /* a thread, after all */
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

/* `result`: a pid, or -errno. The child too returns through here, with 0. */
static __always_inline int spawn_end(long result)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 tid = current_tid();
	struct call *call;

	if (result == 0)
		return 0;
	call = bpf_map_lookup_elem(&calls, &tid);
	if (!call)
		return 0;
	if (result < 0)
		spawn_failed(call, now, -result);
	else
		spawn_succeeded(call, now);
	forget_call(tid);
	return 0;
}

static __always_inline int exec_failed(unsigned long file, long error)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 pid = current_pid();
	struct process *child = bpf_map_lookup_elem(&processes, &pid);
	struct event *event;

	if (!child || !(child->flags & BORN) || child->flags & EXECD)
		return 0;
	count_failure(&child->birth, FAILURE_EXEC, error);
	event = reserve_event(EVENT_EXEC_FAILURE, &child->birth, now);
	if (!event)
		return 0;
	event->pid = child->spawner_pid;
	event->tid = child->spawner_tid;
	event->cgroup = child->spawner_cgroup;
	event->child = pid;
	event->since_birth_ns = now - child->birth_ns;
	event->error = error;
	bpf_probe_read_user_str(event->file, sizeof(event->file), (void *)file);
	submit_event(event);
	return 0;
}

static __always_inline enum spawn_syscall syscall_of_current(struct task_struct *task)
{
	return call_number(task, syscall_nr((struct pt_regs *)bpf_task_pt_regs(task))).syscall;
}

/* ---- the child exists ---------------------------------------------------------------------------------------- */

/* Also of a spawner that we know as somebody's child: then only what concerns its own forks changes. */
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

static __always_inline void remember_birth(__u32 child, const struct cost_key *key, __u64 now)
{
	struct process process = {
		.birth_ns = now,
		.flags = BORN,
		.spawner_pid = current_pid(),
		.spawner_tid = current_tid(),
		.spawner_cgroup = bpf_get_current_cgroup_id(),
		.birth = *key,
	};

	remember_process(child, &process);
}

/* Its call's entry was not seen: before our time, or no hook there. */
static __always_inline void send_spawn_without_stall(const struct cost_key *key, struct task_struct *child, __u64 now,
						     __u64 rss_bytes, __u64 page_table_bytes)
{
	struct event *event = reserve_event(EVENT_SPAWN, key, now);

	if (!event)
		return;
	event->pid = current_pid();
	event->tid = current_tid();
	event->cgroup = bpf_get_current_cgroup_id();
	event->child = child->pid;
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

	if (clone_flags & CLONE_THREAD)
		return 0;
	call = bpf_map_lookup_elem(&calls, &tid);
	if (call)
		key = call->key;
	else if (!charge_current(&key, syscall_of_current(task)))
		return 0;
	key.mechanism = mechanism_of(clone_flags);
	if (key.mechanism == MECHANISM_FORK) {
		struct mm_struct *mm = child->mm;

		rss_bytes = resident_bytes(mm);
		page_table_bytes = mm->pgtables_bytes.counter;
		remember_fork(&key);
	}
	remember_birth(child->pid, &key, now);
	row = row_of(&key, now);
	if (row) {
		ADD(row->spawns, 1);
		ADD(row->copied_page_table_bytes, page_table_bytes);
		observe_size(&row->copied_rss, rss_bytes);
	}
	if (!call) {
		send_spawn_without_stall(&key, child, now, rss_bytes, page_table_bytes);
		return 0;
	}
	call->key = key;
	call->child = child->pid;
	call->copy_end_ns = now;
	call->copied_rss_bytes = rss_bytes;
	call->copied_page_table_bytes = page_table_bytes;
	return 0;
}

/* ---- the child execs, faults, ends --------------------------------------------------------------------------- */

static __always_inline void first_exec(struct process *child, __u32 pid, struct linux_binprm *bprm)
{
	__u64 now = bpf_ktime_get_ns();
	struct cost_row *row = row_of(&child->birth, now);
	__u32 before = __sync_fetch_and_or(&child->flags, EXECD);
	__u32 spawner_tid = child->spawner_tid;
	struct event *event;

	if (row)
		observe_time(&row->exec_delay, now - child->birth_ns);
	if (before & STALL_KNOWN) {
		if (row)
			charge_exec_stall(row, child->stall_ns);
	} else {
		struct call *call = bpf_map_lookup_elem(&calls, &spawner_tid);

		if (call && call->child == pid)
			call->child_execd = true;
	}
	event = reserve_event(EVENT_EXEC, &child->birth, now);
	if (!event)
		return;
	event->pid = child->spawner_pid;
	event->tid = child->spawner_tid;
	event->cgroup = child->spawner_cgroup;
	event->child = pid;
	event->since_birth_ns = now - child->birth_ns;
	bpf_probe_read_kernel_str(event->file, sizeof(event->file), BPF_CORE_READ(bprm, filename));
	submit_event(event);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	__u32 pid = current_pid();
	struct process *process = bpf_map_lookup_elem(&processes, &pid);

	if (!process)
		return 0;
	if (!(process->flags & BORN)) { /* its copied memory is gone */
		forget_process(pid);
		return 0;
	}
	if (!(process->flags & EXECD))
		first_exec(process, pid, bprm);
	__sync_fetch_and_and(&process->flags, ~FORKED);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 pid = current_pid();
	struct process *process;
	struct cost_row *row;
	struct event *event;

	forget_call(current_tid());	    /* killed within the call on a path that skipped its exit */
	if (task->signal->live.counter > 0) /* other threads go on */
		return 0;
	process = bpf_map_lookup_elem(&processes, &pid);
	if (!process)
		return 0;
	if (process->flags & BORN) {
		row = row_of(&process->birth, now);
		if (row)
			observe_time(&row->lifetime, now - process->birth_ns);
		event = reserve_event(EVENT_EXIT, &process->birth, now);
		if (event) {
			event->pid = process->spawner_pid;
			event->tid = process->spawner_tid;
			event->cgroup = process->spawner_cgroup;
			event->child = pid;
			event->since_birth_ns = now - process->birth_ns;
			event->exit_code = task->exit_code;
			event->exec_seen = !!(process->flags & EXECD);
			submit_event(event);
		}
	}
	forget_process(pid);
	return 0;
}

#if defined(__TARGET_ARCH_x86)
/* arch/x86/include/asm/trap_pf.h. Other architectures encode faults otherwise, and arm64 has no such tracepoint. */
#define PAGE_FAULT_PRESENT 1
#define PAGE_FAULT_WRITE 2

static __always_inline void charge_faults(struct process *process, bool cow)
{
	__u32 flags = process->flags;
	struct cost_row *row;

	if (cow && flags & FORKED) {
		row = row_of(&process->fork, 0);
		if (row)
			ADD(row->cow_faults_parent, 1);
	}
	if (!(flags & BORN) || flags & EXECD)
		return;
	row = row_of(&process->birth, 0);
	if (!row)
		return;
	ADD(row->child_faults, 1);
	if (cow && !(flags & FORKED))
		ADD(row->cow_faults_child, 1);
}

/* Runs at every page fault of the host: leaves as early as it can. */
SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user, unsigned long address, struct pt_regs *regs, unsigned long error_code)
{
	const unsigned long cow_bits = PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE;
	struct task_struct *task = bpf_get_current_task_btf();
	bool cow = (error_code & cow_bits) == cow_bits;
	struct process *process;
	__u32 pid;

	if (!cow && !(task->flags & PF_FORKNOEXEC))
		return 0;
	pid = task->tgid;
	process = bpf_map_lookup_elem(&processes, &pid);
	if (process)
		charge_faults(process, cow);
	return 0;
}
#endif

/* ---- entry and exit of the calls, way 1: fentry and fexit ----------------------------------------------------- */

SEC("fentry/kernel_clone")
int BPF_PROG(fentry_kernel_clone, struct kernel_clone_args *args)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 flags = args->flags;

	if (flags & CLONE_THREAD || task->flags & PF_KTHREAD)
		return 0;
	return spawn_begin(syscall_of_current(task), flags, 0);
}

SEC("fexit/kernel_clone")
int BPF_PROG(fexit_kernel_clone, struct kernel_clone_args *args, int result)
{
	return spawn_end(result);
}

/* User space names the function of this architecture. */
SEC("fexit")
int BPF_PROG(fexit_execve, struct pt_regs *regs, long result)
{
	return result < 0 ? exec_failed(first_argument(regs), -result) : 0;
}

SEC("fexit")
int BPF_PROG(fexit_execveat, struct pt_regs *regs, long result)
{
	return result < 0 ? exec_failed(second_argument(regs), -result) : 0;
}

/* ---- way 2: the tracepoints of each system call ---------------------------------------------------------------- */

#define SPAWN_TRACEPOINTS(name, NAME, flags, clone3_args)                                                              \
	SEC("tp/syscalls/sys_enter_" #name)                                                                            \
	int sys_enter_##name(struct trace_event_raw_sys_enter *ctx)                                                    \
	{                                                                                                              \
		(void)ctx;                                                                                             \
		return spawn_begin(SYSCALL_##NAME, flags, clone3_args);                                                \
	}                                                                                                              \
	SEC("tp/syscalls/sys_exit_" #name)                                                                             \
	int sys_exit_##name(struct trace_event_raw_sys_exit *ctx)                                                      \
	{                                                                                                              \
		return spawn_end(ctx->ret);                                                                            \
	}

SPAWN_TRACEPOINTS(fork, FORK, 0, 0)
SPAWN_TRACEPOINTS(vfork, VFORK, CLONE_VM | CLONE_VFORK, 0)
SPAWN_TRACEPOINTS(clone, CLONE, ctx->args[0], 0)
SPAWN_TRACEPOINTS(clone3, CLONE3, 0, ctx->args[0])

SEC("tp/syscalls/sys_exit_execve")
int sys_exit_execve(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return ctx->ret < 0 ? exec_failed(first_argument(regs), -ctx->ret) : 0;
}

SEC("tp/syscalls/sys_exit_execveat")
int sys_exit_execveat(struct trace_event_raw_sys_exit *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return ctx->ret < 0 ? exec_failed(second_argument(regs), -ctx->ret) : 0;
}

/* ---- way 3: entry and exit of every system call of the host ----------------------------------------------------- */

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long nr)
{
	struct call_number call = call_number(bpf_get_current_task_btf(), nr);

	if (call.kind != CALL_SPAWN)
		return 0;
	switch (call.syscall) {
	case SYSCALL_CLONE:
		return spawn_begin(SYSCALL_CLONE, first_argument(regs), 0);
	case SYSCALL_CLONE3:
		return spawn_begin(SYSCALL_CLONE3, 0, first_argument(regs));
	case SYSCALL_VFORK:
		return spawn_begin(SYSCALL_VFORK, CLONE_VM | CLONE_VFORK, 0);
	default:
		return spawn_begin(SYSCALL_FORK, 0, 0);
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long result)
{
	struct call_number call = call_number(bpf_get_current_task_btf(), syscall_nr(regs));

	switch (call.kind) {
	case CALL_SPAWN:
		return spawn_end(result);
	case CALL_EXECVE:
		return result < 0 ? exec_failed(first_argument(regs), -result) : 0;
	case CALL_EXECVEAT:
		return result < 0 ? exec_failed(second_argument(regs), -result) : 0;
	default:
		return 0;
	}
}
