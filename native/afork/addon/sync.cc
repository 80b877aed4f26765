// SPDX-License-Identifier: MIT
#include "sync.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <ctime>

#include "children.h"

namespace
{

using Clock = std::chrono::steady_clock;

// As Node reads: how far output may go beyond its limit depends on it.
constexpr size_t READ_BYTES = 64 * 1024;

constexpr int EXIT_CHECK_MS = 5;

class SyncRun
{
      public:
	SyncRun(afork_job *job, std::vector<SyncPipe> &pipes, const SyncLimits &limits)
	    : job_(job), pipes_(pipes), limits_(limits),
	      deadline_(Clock::now() + std::chrono::milliseconds(limits.timeout_ms))
	{
	}
	SyncResult run();

      private:
	bool is_over() const;
	bool job_has_pidfd() const
	{
		return afork_job_pidfd(job_) >= 0;
	}
	int poll_timeout_ms() const;
	int short_timeout_ms() const;
	void turn();
	void write_some(SyncPipe &pipe);
	void read_some(SyncPipe &pipe);
	void kill(int error);

	afork_job *job_;
	std::vector<SyncPipe> &pipes_;
	const SyncLimits &limits_;
	const Clock::time_point deadline_;
	size_t total_bytes_ = 0;
	bool is_killed_ = false;
	bool is_exited_ = false;
	int pipe_error_ = 0;
	SyncResult result_{0, -1, 0};
};

// Where a sandbox has no poll(), everything is said to be ready, every few milliseconds: no read or write here waits.
int poll_or_try(std::vector<pollfd> &polled, int timeout_ms)
{
	const int ready = poll(polled.data(), polled.size(), timeout_ms);

	if (ready >= 0 || (errno != EPERM && errno != ENOSYS))
		return ready;
	if (timeout_ms == 0)
		return 0;
	for (pollfd &entry : polled)
		entry.revents = entry.fd < 0 ? 0 : entry.events;
	const timespec pause{0, EXIT_CHECK_MS * 1000000};
	nanosleep(&pause, nullptr);
	return 1;
}

void close_pipe(SyncPipe &pipe)
{
	if (pipe.fd >= 0)
		close(pipe.fd);
	pipe.fd = -1;
}

bool SyncRun::is_over() const
{
	return is_exited_ &&
	       std::none_of(pipes_.begin(), pipes_.end(), [](const SyncPipe &pipe) { return pipe.fd >= 0; });
}

int SyncRun::poll_timeout_ms() const
{
	if (limits_.timeout_ms == 0 || is_killed_)
		return -1;
	const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
	return static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
}

// Without a pidfd nothing tells of the exit, so it is asked for time and again.
int SyncRun::short_timeout_ms() const
{
	const int timeout = poll_timeout_ms();

	return timeout < 0 ? EXIT_CHECK_MS : std::min(timeout, EXIT_CHECK_MS);
}

void SyncRun::kill(int error)
{
	if (result_.error == 0)
		result_.error = error;
	is_killed_ = true;
	close_pipes(pipes_);
	if (is_exited_)
		return;
	const int refused = afork_job_kill(job_, limits_.kill_signal);
	if (refused && refused != ESRCH)
		afork_job_kill(job_, SIGKILL);
}

void SyncRun::write_some(SyncPipe &pipe)
{
	while (pipe.input_left > 0) {
		const ssize_t sent = send(pipe.fd, pipe.input, pipe.input_left, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (sent < 0) {
			pipe_error_ = pipe_error_ ? pipe_error_ : -errno;
			break;
		}
		pipe.input += sent;
		pipe.input_left -= static_cast<size_t>(sent);
	}
	close_pipe(pipe);
}

void SyncRun::read_some(SyncPipe &pipe)
{
	const size_t before = pipe.output.size();

	pipe.output.resize(before + READ_BYTES);
	const ssize_t received = recv(pipe.fd, pipe.output.data() + before, READ_BYTES, MSG_DONTWAIT);
	const int error = errno;
	pipe.output.resize(before + static_cast<size_t>(std::max<ssize_t>(received, 0)));
	if (received < 0 && (error == EAGAIN || error == EINTR))
		return;
	if (received < 0)
		pipe_error_ = pipe_error_ ? pipe_error_ : -error;
	if (received <= 0)
		return close_pipe(pipe);
	total_bytes_ += static_cast<size_t>(received);
	if (limits_.max_bytes > 0 && static_cast<double>(total_bytes_) > limits_.max_bytes)
		kill(-ENOBUFS);
}

void SyncRun::turn()
{
	std::vector<pollfd> polled;

	for (const SyncPipe &pipe : pipes_)
		polled.push_back({pipe.fd, static_cast<short>(pipe.is_input ? POLLOUT : POLLIN), 0});
	polled.push_back({is_exited_ ? -1 : afork_job_pidfd(job_), POLLIN, 0});
	const int ready = poll_or_try(polled, job_has_pidfd() ? poll_timeout_ms() : short_timeout_ms());
	if (ready < 0)
		return; // EINTR
	for (size_t i = 0; i < pipes_.size(); i++) {
		if (!polled[i].revents || pipes_[i].fd < 0) // an overflow closes them all
			continue;
		if (pipes_[i].is_input)
			write_some(pipes_[i]);
		else
			read_some(pipes_[i]);
	}
	if (!is_exited_ && (polled.back().revents || !job_has_pidfd()))
		is_exited_ = reap_job(job_, &result_.status, &result_.signal);
	if (ready == 0 && poll_timeout_ms() == 0)
		kill(-ETIMEDOUT);
}

SyncResult SyncRun::run()
{
	while (!is_over())
		turn();
	if (result_.error == 0)
		result_.error = pipe_error_;
	afork_job_free(job_);
	return result_;
}

} // namespace

void close_pipes(std::vector<SyncPipe> &pipes)
{
	std::for_each(pipes.begin(), pipes.end(), close_pipe);
}

SyncResult run_sync(afork_job *job, std::vector<SyncPipe> &pipes, const SyncLimits &limits)
{
	return SyncRun(job, pipes, limits).run();
}
