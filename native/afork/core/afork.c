/* SPDX-License-Identifier: MIT */
/* afork(), aforkx(), afork_waitpid(): a function of the user's in the child, with thread storage of its own. */
#include "hold.h"
#include "mechanism.h"
#include "registry.h"
#include "signals.h"
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

struct call {
	int (*function)(void *);
	void *argument;
	uint64_t mask;
	bool clear_handlers;
};

static int run_call(void *argument)
{
	const struct call *call = argument;
	if (call->clear_handlers)
		clear_handlers();
	set_signal_mask(call->mask);
	return call->function(call->argument);
}

/* By libc's fork(), so that its and the runtimes' handlers run: the user's function may use libc. */
static long fork_call(struct afork_job *job, const struct call *call, bool no_pidfd)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(run_call((void *)call));
	if (pid < 0)
		return -errno;
	job->pid = pid;
	job->mechanism = AFORK_FORK;
	job->pidfd = no_pidfd ? -1 : (int)raw(SYS_pidfd_open, pid, 0);
	return 0;
}

static long create(struct creation *creation, struct call *call, enum afork_mechanism mechanism)
{
	struct slot *slot = creation->slot;
	if (mechanism == AFORK_FORK)
		return fork_call(creation->job, call, creation->no_pidfd);
	call->clear_handlers = mechanism != AFORK_CLONE3;
	/* After vfork() the caller is asleep, and its thread storage free to be used. */
	if (mechanism == AFORK_VFORK)
		creation->tls = NULL;
	else if (!slot->donor && !(slot->donor = donor_take()))
		return -ENOSYS; /* no further thread: on to the next mechanism */
	else
		creation->tls = donor_thread_pointer(slot->donor);
	return create_child(creation, mechanism);
}

static long create_by_best(struct creation *creation, struct call *call)
{
	enum afork_mechanism mechanism = instrumented() ? AFORK_FORK : mechanism_best();
	for (;;) {
		long result = create(creation, call, mechanism);
		enum afork_mechanism next = mechanism_after(mechanism, result);
		if (next == AFORK_ANY)
			return result;
		mechanism = next;
	}
}

static long call_in_slot(struct afork_job *job, const struct call *from, bool no_pidfd)
{
	struct slot *slot = slot_take();
	if (!slot)
		return -ENOMEM;
	struct call *call = slot_allocate(slot, sizeof *call); /* the first in it: there is room */
	*call = *from;
	slot->entry = (struct entry){run_call, call};
	struct creation creation = {.slot = slot, .job = job, .cgroup_fd = -1, .no_pidfd = no_pidfd};
	long result = create_by_best(&creation, call);
	if (result < 0)
		slot_give_back(slot);
	else
		slot_occupy(slot, job);
	return result;
}

static const char waitable; /* owner of our registry entries */

static pid_t keep(struct afork_job *job, bool to_be_waited_for)
{
	pid_t pid = job->pid;
	mechanism_ran(job->mechanism);
	if (!to_be_waited_for || registry_add(&waitable, (uintptr_t)pid, job))
		afork_job_free(job); /* out of memory: a child that waitpid() knows is better than an error now */
	return pid;
}

pid_t aforkx(int flags, int (*function)(void *), void *argument)
{
	if (flags & ~(FORK_NOSIGCHLD | FORK_WAITPID) || flags & FORK_NOSIGCHLD) {
		errno = flags & FORK_NOSIGCHLD ? ENOTSUP : EINVAL;
		return -1;
	}
	struct afork_job *job = job_new();
	if (!job)
		return -1;
	int saved_errno = errno; /* in case that the function borrows our thread storage */
	struct call call = {.function = function, .argument = argument, .clear_handlers = true};
	call.mask = block_all_signals();
	long result = call_in_slot(job, &call, !(flags & FORK_WAITPID));
	set_signal_mask(call.mask);
	errno = saved_errno;
	if (result == 0)
		return keep(job, flags & FORK_WAITPID);
	job_release(job);
	errno = (int)-result;
	return -1;
}

pid_t afork(int (*function)(void *), void *argument)
{
	return aforkx(0, function, argument);
}

pid_t afork_waitpid(pid_t pid, int *status, int options)
{
	struct afork_job *job = registry_take(&waitable, (uintptr_t)pid);
	int error = job ? afork_job_wait(job, status, options) : ECHILD;
	if (error == EINTR || error == EAGAIN) {
		if (!registry_add(&waitable, (uintptr_t)pid, job))
			job = NULL;
	}
	afork_job_free(job);
	if (error == EAGAIN)
		return 0;
	errno = error ? error : errno;
	return error ? -1 : pid;
}
