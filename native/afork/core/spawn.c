/* SPDX-License-Identifier: MIT */
/* afork_spawn(): plan, clone, done. Raw system calls, so that errno stays and no thread is cancelled half-way. */
#include "hold.h"
#include "mechanism.h"
#include "plan.h"
#include "signals.h"
#include <errno.h>
#include <fcntl.h>

/*
 * With fork(), memory tells the parent nothing: the child's failure comes through the pipe. Its end says that the
 * child has executed, or is dead.
 */
static void wait_for_forked(struct afork_job *job, int bell_read)
{
	uint64_t failure = 0;
	long size;
	do
		size = raw(SYS_read, bell_read, &failure, sizeof failure);
	while (size == -EINTR);
	if (size == (long)sizeof failure)
		job->failure = failure;
	__atomic_store_n(&job->in_memory, 0, __ATOMIC_RELEASE);
}

/* The parent's own numbers: the child may move its bell, in the plan that both see. */
struct bell {
	int read, write;
};

static long open_bell(struct bell *bell, struct plan *plan)
{
	long result = raw(SYS_pipe2, bell, O_CLOEXEC);
	if (result < 0)
		return result;
	plan->bell_read = bell->read;
	plan->bell = bell->write;
	return 0;
}

/* --- AFORK_ONLY_GIVEN --- */

/* close_range() gives EINVAL for a range that ends before it begins, and does nothing. */
static bool can_close_range(void)
{
	static int answer; /* 0: not asked, 1: no, 2: yes */
	int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);
	if (!known) {
		known = 1 + (raw(SYS_close_range, 2, 1, 0) == -EINVAL);
		__atomic_store_n(&answer, known, __ATOMIC_RELAXED);
	}
	return known == 2;
}

/* What is not open is an error of the child's, at its step. */
static long hold_source(struct afork_job *job, int *fd)
{
	if (*fd < 0)
		return 0;
	int held = hold(job, *fd);
	if (held < 0 && held != -EBADF)
		return held;
	*fd = held < 0 ? FD_BAD : held;
	return 0;
}

static long hold_given(struct afork_job *job, struct plan *plan)
{
	struct afork_options *options = &plan->options;
	const struct {
		uint32_t flag;
		int *fd;
	} others[] = {{AFORK_SETCGROUP, &options->cgroup_fd},
		      {AFORK_FOREGROUND, &options->terminal},
		      {AFORK_CWD_FD, &options->cwd_fd},
		      {AFORK_FILE_FD, &options->file_fd}};
	long result = 0;
	for (size_t i = 0; i < options->fd_map_count && result >= 0; i++)
		result = hold_source(job, &plan->fd_map[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others && result >= 0; i++)
		if (options->flags & others[i].flag)
			result = hold_source(job, others[i].fd);
	return result;
}

/* What the child copies of the table, and what it closes of the copy. */
static void list_needed(struct plan *plan, const struct afork_job *job)
{
	unsigned first = plan->options.fd_map_count > 3 ? (unsigned)plan->options.fd_map_count : 3;
	for (unsigned i = 0; i < job->held_count; i++)
		if ((unsigned)job->held[i] >= first)
			first = (unsigned)job->held[i] + 1;
	plan->needed = job->held;
	plan->needed_count = job->held_count;
	plan->first_unneeded = first;
}

static long hold_bell(struct afork_job *job, struct plan *plan, const struct bell *bell)
{
	int held = hold(job, bell->write);
	if (held < 0)
		return held;
	plan->bell = held;
	plan->bell_read = -1; /* among the others, which are closed */
	return 0;
}

/* --- the child --- */

static void close_end(int end)
{
	if (end >= 0)
		raw(SYS_close, end);
}

static void keep_bell(struct afork_job *job, bool wanted, const struct bell *bell)
{
	close_end(bell->write);
	if (job->mechanism == AFORK_FORK)
		wait_for_forked(job, bell->read);
	if (wanted)
		job->doorbell = bell->read;
	else
		close_end(bell->read);
}

static long create(struct plan *plan, struct creation *creation, struct bell *bell, enum afork_mechanism mechanism)
{
	plan->clear_handlers = mechanism != AFORK_CLONE3;
	plan->join_cgroup = mechanism != AFORK_CLONE3 && plan->options.flags & AFORK_SETCGROUP;
	plan->report_on_bell = mechanism == AFORK_FORK;
	plan->share_files = creation->share_files && mechanism != AFORK_FORK;
	bool needs_bell = plan->report_on_bell || plan->options.flags & AFORK_DOORBELL;
	if (needs_bell && bell->write < 0) {
		long result = open_bell(bell, plan);
		if (result >= 0 && plan->close_others)
			result = hold_bell(creation->job, plan, bell);
		if (result < 0)
			return result;
	}
	if (plan->close_others)
		list_needed(plan, creation->job);
	return create_child(creation, mechanism);
}

/*
 * The kernel makes the memory undumpable when a task that uses it changes its ids (commit_creds()), and anyone who may
 * trace the child may read the parent. So such a child gets a copy.
 */
static bool changes_identity(const struct afork_options *options)
{
	return (options->flags & AFORK_SETUID && options->uid != (uid_t)raw(SYS_geteuid)) ||
	       (options->flags & AFORK_SETGID && options->gid != (gid_t)raw(SYS_getegid));
}

static long create_by_demanded(struct plan *plan, struct creation *creation, struct bell *bell,
			       enum afork_mechanism demanded)
{
	bool possible = mechanism_possible(demanded) && (demanded == AFORK_FORK || !changes_identity(&plan->options));
	long result = possible ? create(plan, creation, bell, demanded) : -ENOTSUP;
	return mechanism_after(demanded, result) == AFORK_ANY ? result : -ENOTSUP;
}

static long create_by_best(struct plan *plan, struct creation *creation, struct bell *bell)
{
	bool needs_copy = changes_identity(&plan->options);
	enum afork_mechanism mechanism = needs_copy ? AFORK_FORK : mechanism_best();
	for (bool first = true;; first = false) {
		long result = create(plan, creation, bell, mechanism);
		/* A refusal with a cgroup may be about the cgroup. */
		if (result == 0 && !first && creation->cgroup_fd < 0)
			mechanism_settle(mechanism);
		enum afork_mechanism next = mechanism_after(mechanism, result);
		if (next == AFORK_ANY)
			return result;
		mechanism = next;
	}
}

static int spawn(struct afork_job *job, struct slot *slot, struct plan *plan, uint64_t mask)
{
	const uint32_t flags = plan->options.flags;
	const enum afork_mechanism demanded = plan->options.mechanism;
	struct bell bell = {-1, -1};
	plan->job = job;
	if (flags & AFORK_ONLY_GIVEN) {
		long error = hold_given(job, plan);
		if (error < 0)
			return (int)-error;
		plan->close_others = can_close_range();
		job->settled = 0;
	}
	struct creation creation = {
		.slot = slot,
		.job = job,
		.cgroup_fd = flags & AFORK_SETCGROUP ? plan->options.cgroup_fd : -1,
		.share_files = flags & AFORK_ONLY_GIVEN ? plan->close_others : flags & AFORK_DEFER_FDS,
		.no_pidfd = flags & AFORK_NO_PIDFD,
	};
	plan->mask = flags & AFORK_SETMASK ? plan->options.signal_mask : mask;
	slot->entry = (struct entry){spawn_child, plan};
	long result = demanded == AFORK_ANY ? create_by_best(plan, &creation, &bell)
					    : create_by_demanded(plan, &creation, &bell, demanded);
	if (result == 0) {
		if (!plan->share_files) /* the child has a copy of the table, and may ring by it alone */
			holds_release(job);
		keep_bell(job, flags & AFORK_DOORBELL, &bell);
	} else {
		close_end(bell.write);
		close_end(bell.read);
	}
	return (int)-result;
}

static int spawn_in_slot(struct afork_job *job, const struct afork_options *options, uint64_t mask)
{
	struct slot *slot = slot_take();
	struct plan *plan = NULL;
	int error = slot ? plan_make(&plan, slot, options) : ENOMEM;
	if (!error)
		error = spawn(job, slot, plan, mask);
	if (error && slot)
		slot_give_back(slot);
	if (!error)
		slot_occupy(slot, job);
	return error;
}

int afork_spawn(struct afork_job **result, const struct afork_options *options)
{
	struct afork_job *job = job_new();
	if (!job)
		return ENOMEM;
	uint64_t mask = block_all_signals();
	int error = spawn_in_slot(job, options, mask);
	set_signal_mask(mask);
	if (error) {
		job_release(job);
		return error;
	}
	if (!(options->flags & AFORK_DOORBELL))
		afork_job_settle(job, UINT32_MAX);
	mechanism_ran(job->mechanism);
	*result = job;
	return 0;
}

const char *afork_step_name(enum afork_step step)
{
	static const char *const names[] = {
		"none",	  "cgroup", "descriptor table", "setsid",    "setpgid", "foreground", "scheduler", "cwd",
		"fd map", "action", "rlimit",		"setgroups", "setgid",	"setuid",     "exec"};
	return (unsigned)step < sizeof names / sizeof *names ? names[step] : "unknown";
}
