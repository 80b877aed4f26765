// SPDX-License-Identifier: MIT
#include "children.h"

#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "uv.h"

namespace
{

constexpr int EXITS_A_TURN = 64; // then the loop gets to do other things

// Children that outlived the worker thread that spawned them: reaped by whichever thread next spawns or reaps. Never
// destroyed, for threads may still run when the process exits.
std::mutex &orphans_lock = *new std::mutex;
std::vector<afork_job *> &orphans = *new std::vector<afork_job *>;

void reap_orphans()
{
	const std::lock_guard<std::mutex> guard(orphans_lock);
	int status;

	std::erase_if(orphans, [&status](afork_job *job) {
		if (afork_job_wait(job, &status, WNOHANG) == EAGAIN)
			return false;
		afork_job_free(job);
		return true;
	});
}

} // namespace

bool reap_job(afork_job *job, int *status, int *signal)
{
	afork_failure failure;
	int wait_status = 0;
	const int error = afork_job_wait(job, &wait_status, WNOHANG);

	if (error == EAGAIN || error == EINTR)
		return false;
	*signal = 0;
	if (afork_job_state(job, &failure) == AFORK_FAILED) {
		*status = -failure.error;
	} else if (error) {
		*status = -error;
	} else {
		*status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
		*signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	}
	return true;
}

Children *Children::create(Napi::Env env)
{
	Children *children = new Children(env);

	if (const int error = children->open()) {
		delete children;
		Napi::Error::New(env, "cannot watch children on the event loop: error " + std::to_string(error))
			.ThrowAsJavaScriptException();
		return nullptr;
	}
	napi_add_async_cleanup_hook(env, on_thread_end, children, &children->hook_);
	return children;
}

int Children::open()
{
	uv_loop_s *loop;

	napi_get_uv_event_loop(env_, &loop);
	epoll_ = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ < 0)
		return -errno;
	poll_ = static_cast<uv_handle_s *>(calloc(1, uv_handle_size(UV_POLL_HANDLE)));
	if (const int error = uv_poll_init(loop, poll_, epoll_)) {
		free(poll_);
		close(epoll_);
		return error;
	}
	uv_handle_set_data(poll_, this);
	uv_poll_start(poll_, UV_POLL_READABLE, on_readable);
	uv_unref(poll_);
	return 0;
}

int Children::add(afork_job *job)
{
	epoll_event event{};
	int status;

	reap_orphans();
	event.events = EPOLLIN;
	event.data.u64 = static_cast<uint64_t>(afork_job_pid(job));
	if (epoll_ctl(epoll_, EPOLL_CTL_ADD, afork_job_pidfd(job), &event) == 0) {
		jobs_[afork_job_pid(job)] = job;
		return 0;
	}
	// For lack of memory, or of fs.epoll.max_user_watches: nobody could ever tell of the exit.
	const int error = errno;
	afork_job_kill(job, SIGKILL);
	afork_job_wait(job, &status, 0);
	afork_job_free(job);
	return error;
}

int Children::kill(pid_t pid, int signal) const
{
	const auto found = jobs_.find(pid);

	return found == jobs_.end() ? -ESRCH : -afork_job_kill(found->second, signal);
}

void Children::hold(bool held)
{
	if (held)
		uv_ref(poll_);
	else
		uv_unref(poll_);
}

void Children::on_readable(uv_handle_s *handle, int, int)
{
	Children *self = static_cast<Children *>(uv_handle_get_data(handle));
	epoll_event events[EXITS_A_TURN];
	const int count = epoll_wait(self->epoll_, events, EXITS_A_TURN, 0);

	reap_orphans();
	for (int i = 0; i < count; i++)
		self->reap(static_cast<pid_t>(events[i].data.u64));
}

// The pid is free for others once it is reaped, so it is forgotten before JavaScript hears of it.
void Children::reap(pid_t pid)
{
	const auto found = jobs_.find(pid);
	int status, signal;

	if (found == jobs_.end() || !reap_job(found->second, &status, &signal))
		return;
	// Closing is not enough where a fork() elsewhere has a copy of the pidfd.
	epoll_ctl(epoll_, EPOLL_CTL_DEL, afork_job_pidfd(found->second), nullptr);
	afork_job_free(found->second);
	jobs_.erase(found);
	tell(pid, status, signal);
}

void Children::tell(pid_t pid, int status, int signal)
{
	const Napi::HandleScope scope(env_);
	napi_value global, result;

	napi_get_global(env_, &global);
	const napi_value arguments[] = {Napi::Number::New(env_, pid), Napi::Number::New(env_, status),
					Napi::Number::New(env_, signal)};
	if (napi_make_callback(env_, nullptr, global, callback_.Value(), 3, arguments, &result) !=
	    napi_pending_exception)
		return;
	// Thrown by a listener: 'uncaughtException', as from any other callback.
	napi_value error;
	if (napi_get_and_clear_last_exception(env_, &error) == napi_ok)
		napi_fatal_exception(env_, error);
}

// The children live on; their watch does not. libuv frees nothing before its loop has turned once more.
void Children::on_thread_end(napi_async_cleanup_hook_handle, void *data)
{
	Children *self = static_cast<Children *>(data);
	{
		const std::lock_guard<std::mutex> guard(orphans_lock);
		for (const auto &[pid, job] : self->jobs_)
			orphans.push_back(job);
	}
	self->callback_.Reset();
	uv_close(self->poll_, [](uv_handle_s *handle) {
		Children *children = static_cast<Children *>(uv_handle_get_data(handle));

		close(children->epoll_);
		free(handle);
		napi_remove_async_cleanup_hook(children->hook_);
		delete children;
	});
}
