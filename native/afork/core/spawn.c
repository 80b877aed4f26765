/* SPDX-License-Identifier: MIT */
/* afork_spawn(): plan, clone, done. Raw system calls, so that errno stays and no thread is cancelled half-way. */
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
	long result = needs_bell && bell->write < 0 ? open_bell(bell, plan) : 0;
	return result < 0 ? result : create_child(creation, mechanism);
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
	struct creation creation = {
		.slot = slot,
		.job = job,
		.cgroup_fd = flags & AFORK_SETCGROUP ? plan->options.cgroup_fd : -1,
		.share_files = flags & AFORK_DEFER_FDS,
		.no_pidfd = flags & AFORK_NO_PIDFD,
	};
	struct bell bell = {-1, -1};
	plan->job = job;
	plan->mask = flags & AFORK_SETMASK ? plan->options.signal_mask : mask;
	slot->entry = (struct entry){spawn_child, plan};
	long result = demanded == AFORK_ANY ? create_by_best(plan, &creation, &bell)
					    : create_by_demanded(plan, &creation, &bell, demanded);
	if (result == 0) {
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
