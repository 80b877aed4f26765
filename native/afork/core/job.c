/* SPDX-License-Identifier: MIT */
/* The parent's calls about one child. */
#include "hold.h"
#include "signals.h"
#include "slot.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* --- AFORK_ONLY_GIVEN --- */

/* Also when it has left our memory: killed before it had a table of its own, or forked and not sharing memory. */
static bool is_settled(const struct afork_job *job)
{
	return __atomic_load_n(&job->settled, __ATOMIC_SEQ_CST) || !job_in_memory(job);
}

/* Then ask again. A child that is killed before it is settled wakes nobody, so the sleep is short in any case. */
static void sleep_until_settled(struct afork_job *job, int64_t timeout_ns)
{
	const int64_t longest_ns = 10000000;
	const struct timespec timeout = {0, timeout_ns < longest_ns ? timeout_ns : longest_ns};
	raw(SYS_futex, &job->settled, FUTEX_WAIT_PRIVATE, 0, &timeout, 0, 0);
}

static int64_t now_ns(void)
{
	struct timespec now = {0, 0};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

bool afork_job_settle(struct afork_job *job, unsigned timeout_us)
{
	if (!is_settled(job) && timeout_us) {
		const int64_t end = now_ns() + timeout_us * INT64_C(1000);
		for (int64_t left = timeout_us * INT64_C(1000); left > 0 && !is_settled(job); left = end - now_ns())
			sleep_until_settled(job, left);
	}
	if (!is_settled(job)) {
		__atomic_store_n(&job->rings_when_settled, 1, __ATOMIC_SEQ_CST);
		if (!is_settled(job))
			return false;
	}
	holds_release(job);
	return true;
}

void afork_job_free(struct afork_job *job)
{
	if (!job)
		return;
	while (!afork_job_settle(job, UINT32_MAX))
		;
	if (job->pidfd >= 0)
		raw(SYS_close, job->pidfd);
	if (job->doorbell >= 0)
		raw(SYS_close, job->doorbell);
	uint64_t mask = block_all_signals();
	job_release(job);
	slots_reclaim();
	set_signal_mask(mask);
}

pid_t afork_job_pid(const struct afork_job *job)
{
	return job->pid;
}

enum afork_mechanism afork_job_mechanism(const struct afork_job *job)
{
	return job->mechanism;
}

int afork_job_pidfd(const struct afork_job *job)
{
	return job->pidfd;
}

int afork_job_doorbell(const struct afork_job *job)
{
	return job->doorbell;
}

void afork_job_close_doorbell(struct afork_job *job)
{
	if (job->doorbell >= 0)
		raw(SYS_close, job->doorbell);
	job->doorbell = -1;
}

enum afork_state afork_job_state(const struct afork_job *job, struct afork_failure *failure)
{
	/* In this order: who has left has said all it had to say. */
	bool in_memory = job_in_memory(job);
	uint64_t packed = __atomic_load_n(&job->failure, __ATOMIC_ACQUIRE);
	if (failure) {
		failure->error = (int)(packed & 0xffff);
		failure->step = (enum afork_step)(packed >> 16 & 0xffff);
		failure->index = (int)(packed >> 32);
	}
	return packed ? AFORK_FAILED : in_memory ? AFORK_STARTING : AFORK_STARTED;
}

enum afork_state afork_job_wait_exec(struct afork_job *job, struct afork_failure *failure)
{
	/* The kernel wakes one waiter, of the shared kind; who is woken wakes the next. */
	while (job_in_memory(job))
		raw(SYS_futex, &job->in_memory, FUTEX_WAIT, 1, 0, 0, 0);
	raw(SYS_futex, &job->in_memory, FUTEX_WAKE, INT_MAX, 0, 0, 0);
	return afork_job_state(job, failure);
}

/* --- exit --- */

/* Linux 6.15: the exit status, even when somebody else reaped the child. */
struct pidfd_exit_info {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_exit_info) == 64, "PIDFD_INFO_SIZE_VER0");

enum {
	PIDFD_INFO_EXIT_BIT = 1 << 3
};
#define PIDFD_GET_INFO_CALL 0xc040ff0bUL /* _IOWR(0xff, 11, 64 bytes) */

static bool kernel_kept_status(const struct afork_job *job, int *status)
{
	struct pidfd_exit_info info = {.mask = PIDFD_INFO_EXIT_BIT};
	if (raw(SYS_ioctl, job->pidfd, PIDFD_GET_INFO_CALL, &info) < 0 || !(info.mask & PIDFD_INFO_EXIT_BIT))
		return false;
	*status = info.exit_code;
	return true;
}

static int status_of(const siginfo_t *info)
{
	int value = info->si_status;
	switch (info->si_code) {
	case CLD_EXITED:
		return (value & 0xff) << 8;
	case CLD_DUMPED:
		return value | 0x80;
	default:
		return value;
	}
}

static bool lives(const struct afork_job *job)
{
	struct pollfd poll = {.fd = job->pidfd, .events = POLLIN};
	const struct timespec at_once = {0, 0};
	return job->pidfd >= 0 && raw(SYS_ppoll, &poll, 1, &at_once, 0, 8) == 0;
}

/*
 * The kernel keeps the status when it releases the child, which may be a moment after waitid() has lost sight of it. poll() then
 * says POLLHUP (Linux 6.9). The wait is bounded: a child of somebody else stays until its parent asks.
 */
static int status_after_theft(const struct afork_job *job, int *status)
{
	if (kernel_kept_status(job, status))
		return 0;
	if (lives(job))
		return ECHILD;
	struct pollfd release = {.fd = job->pidfd, .events = 0};
	const struct timespec bound = {1, 0};
	raw(SYS_ppoll, &release, 1, &bound, 0, 8);
	return kernel_kept_status(job, status) ? 0 : ECHILD;
}

/* Where a sandbox has no waitid(), or Linux before 5.4 no P_PIDFD. By its pid, which nobody else can have as long as it has not been reaped. */
static int reap_by_wait4(const struct afork_job *job, int *status, int options)
{
	int raw_status = 0;
	long pid = raw(SYS_wait4, job->pid, &raw_status, options & WNOHANG, 0);
	if (pid == 0)
		return EAGAIN;
	*status = pid > 0 ? raw_status : *status;
	return pid > 0 ? 0 : (int)-pid;
}

static int reap(struct afork_job *job, int *status, int options)
{
	siginfo_t info;
	memset(&info, 0, sizeof info);
	long type = job->pidfd >= 0 ? P_PIDFD : P_PID, id = job->pidfd >= 0 ? job->pidfd : job->pid;
	long result = raw(SYS_waitid, type, id, &info, WEXITED | (options & WNOHANG), 0);
	if (result == -EPERM || result == -ENOSYS || result == -EINVAL)
		return reap_by_wait4(job, status, options);
	if (result == -ECHILD && job->pidfd >= 0)
		return status_after_theft(job, status);
	if (result < 0)
		return (int)-result;
	if (info.si_pid == 0)
		return EAGAIN;
	*status = status_of(&info);
	return 0;
}

int afork_job_wait(struct afork_job *job, int *status, int options)
{
	if (!job->reaped) {
		/* With SIGCHLD ignored, a child that is not ours to wait for and one that lives look the same to waitid(). */
		if (options & WNOHANG && lives(job))
			return EAGAIN;
		int error = reap(job, &job->status, options);
		if (error)
			return error;
		job->reaped = true;
		/* Kernels before 5.16 do not clear the word of a child that dumps core. */
		__atomic_store_n(&job->in_memory, 0, __ATOMIC_RELEASE);
	}
	if (status)
		*status = job->status;
	return 0;
}

int afork_job_kill(struct afork_job *job, int signal)
{
	if (job->reaped)
		return ESRCH;
	long result = job->pidfd >= 0 ? raw(SYS_pidfd_send_signal, job->pidfd, signal, 0, 0) : -ENOSYS;
	/* EPERM: a sandbox that does not know the call; if it is about the child, kill() says so too. */
	if (result == -ENOSYS || result == -EPERM)
		result = raw(SYS_kill, job->pid, signal);
	return (int)-result;
}
