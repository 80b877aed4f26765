// SPDX-License-Identifier: MIT
#include "children.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "uv.h"

namespace
{

constexpr int EVENTS_A_TURN = 64;    // then the loop gets to do other things
constexpr size_t BELLS_A_SPAWN = 8;  // that a spawn looks at where descriptors are short
constexpr rlim_t SHARE_OF_LIMIT = 4; // the watch of children takes no more than this part of RLIMIT_NOFILE

// Pidfds and doorbells that this process has open.
std::atomic<rlim_t> descriptors{0};

bool has_descriptors_left()
{
	rlimit limit{};

	getrlimit(RLIMIT_NOFILE, &limit);
	return descriptors < limit.rlim_cur / SHARE_OF_LIMIT;
}

// The data of an epoll event.
uint64_t to_exit_event(pid_t pid)
{
	return static_cast<uint64_t>(pid);
}

uint64_t to_bell_event(pid_t pid)
{
	return static_cast<uint64_t>(pid) | 1ull << 32;
}

bool is_bell(uint64_t event)
{
	return event >> 32;
}

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
	// An object without properties: what Node calls back on is asked for its `domain`, which the global object may have.
	children->receiver_ = Napi::Persistent(Napi::Object::New(env));
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
	signals_ = static_cast<uv_handle_s *>(calloc(1, uv_handle_size(UV_SIGNAL_HANDLE)));
	uv_signal_init(loop, signals_);
	recheck_ = static_cast<uv_handle_s *>(calloc(1, uv_handle_size(UV_IDLE_HANDLE)));
	uv_idle_init(loop, recheck_);
	turn_ = static_cast<uv_handle_s *>(calloc(1, uv_handle_size(UV_CHECK_HANDLE)));
	uv_check_init(loop, turn_);
	for (uv_handle_s *handle : {poll_, signals_, recheck_, turn_}) {
		uv_handle_set_data(handle, this);
		uv_unref(handle);
	}
	uv_poll_start(poll_, UV_POLL_READABLE, on_readable);
	return 0;
}

// --- what is watched ---

int Children::watch(int fd, uint64_t what)
{
	epoll_event event{};

	event.events = EPOLLIN;
	event.data.u64 = what;
	if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event))
		return errno;
	descriptors++;
	return 0;
}

// The job closes it. Closing is not enough where a fork() elsewhere has a copy.
void Children::unwatch(int &fd)
{
	if (fd < 0)
		return;
	epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
	descriptors--;
	fd = -1;
}

void Children::unwatch_bell(Child &child)
{
	if (child.doorbell >= 0)
		bells_.erase(child.bell);
	unwatch(child.doorbell);
}

void Children::unwatch_all(Child &child)
{
	unwatch(child.pidfd);
	unwatch_bell(child);
}

// It may have exited before the signal was listened to: so it is looked at once more when the loop has turned.
void Children::watch_by_signal()
{
	uv_signal_start(signals_, on_signal, SIGCHLD);
	uv_idle_start(recheck_, on_recheck);
}

Cost Children::affordable()
{
	if (has_descriptors_left())
		return Cost::PIDFD_AND_DOORBELL;
	drop_doorbells();
	return has_descriptors_left() ? Cost::PIDFD_AND_DOORBELL : Cost::NOTHING;
}

int Children::add(afork_job *job)
{
	const pid_t pid = afork_job_pid(job);
	Child child{job, -1, -1, false, false, {}};
	int error = 0, status;

	reap_orphans();
	if (afork_job_pidfd(job) < 0)
		watch_by_signal();
	else if ((error = watch(afork_job_pidfd(job), to_exit_event(pid))) == 0)
		child.pidfd = afork_job_pidfd(job);
	if (!error && afork_job_doorbell(job) >= 0 &&
	    (error = watch(afork_job_doorbell(job), to_bell_event(pid))) == 0) {
		child.doorbell = afork_job_doorbell(job);
		child.bell = bells_.insert(bells_.end(), pid);
	}
	if (!error) {
		children_[pid] = child;
		without_pidfd_ += child.pidfd < 0;
		return 0;
	}
	// For lack of memory, or of fs.epoll.max_user_watches: nobody could ever tell of the exit.
	unwatch_all(child);
	afork_job_kill(job, SIGKILL);
	afork_job_wait(job, &status, 0);
	afork_job_free(job);
	return error;
}

int Children::kill(pid_t pid, int signal) const
{
	const auto found = children_.find(pid);

	return found == children_.end() ? -ESRCH : -afork_job_kill(found->second.job, signal);
}

void Children::hold(bool held)
{
	if (held)
		uv_ref(poll_);
	else
		uv_unref(poll_);
}

// --- what happens to them ---

void Children::on_readable(uv_handle_s *handle, int, int)
{
	Children *self = static_cast<Children *>(uv_handle_get_data(handle));
	epoll_event events[EVENTS_A_TURN];
	const int count = epoll_wait(self->epoll_, events, EVENTS_A_TURN, 0);

	reap_orphans();
	for (int i = 0; i < count; i++) {
		const uint64_t event = events[i].data.u64;
		const pid_t pid = static_cast<pid_t>(event & 0x7fffffff);

		if (is_bell(event))
			self->on_bell(pid);
		else
			self->on_exit_seen(pid);
	}
}

// What a child did last, such as closing the end of a pipe, may have come after the poll that this turn of the loop is about. JavaScript
// must hear of that first: the exit is told after the next poll, when all else that was ready has been told, and before what setImmediate()
// was given. libuv tells of exits in that order too. Until then the epoll instance stays readable, so that no poll blocks.
void Children::on_exit_seen(pid_t pid)
{
	const auto found = children_.find(pid);

	if (found == children_.end() || found->second.is_exit_seen)
		return;
	found->second.is_exit_seen = true;
	seen_.push_back(pid);
	uv_check_start(turn_, on_turn);
}

// Runs after each poll, while there are exits to be told.
void Children::on_turn(uv_handle_s *handle)
{
	Children *self = static_cast<Children *>(uv_handle_get_data(handle));
	const std::vector<pid_t> due = std::exchange(self->due_, std::exchange(self->seen_, {}));

	if (self->due_.empty())
		uv_check_stop(handle);
	for (const pid_t pid : due)
		self->reap(pid);
}

afork_state Children::state(pid_t pid)
{
	const auto found = children_.find(pid);

	if (found == children_.end())
		return AFORK_STARTED;
	const afork_state state = afork_job_state(found->second.job, nullptr);
	found->second.is_start_wanted = state == AFORK_STARTING;
	return state;
}

// It rings when the child has its own descriptors, if that took long, and when the child has executed or failed.
void Children::on_bell(pid_t pid)
{
	const auto found = children_.find(pid);

	if (found == children_.end())
		return;
	Child &child = found->second;
	char ring;
	afork_job_settle(child.job, 0);
	if (read(child.doorbell, &ring, 1) == 1)
		return;
	unwatch_bell(child);
	afork_job_close_doorbell(child.job);
	if (child.is_start_wanted && afork_job_state(child.job, nullptr) == AFORK_STARTED)
		call(started_, {pid});
}

// Whoever has executed needs no doorbell; who is to be told of it keeps it. Only a few are looked at, in turns, so that a
// spawn costs the same however many children there are.
void Children::drop_doorbells()
{
	for (size_t left = std::min(bells_.size(), BELLS_A_SPAWN); left > 0; left--) {
		Child &child = children_.at(bells_.front());

		looks_++;
		if (child.is_start_wanted || afork_job_state(child.job, nullptr) == AFORK_STARTING) {
			bells_.splice(bells_.end(), bells_, bells_.begin());
			continue;
		}
		afork_job_settle(child.job, 0);
		unwatch_bell(child);
		afork_job_close_doorbell(child.job);
	}
}

// The pid is free for others once it is reaped, so it is forgotten before JavaScript hears of it.
bool Children::reap(pid_t pid)
{
	const auto found = children_.find(pid);
	int status, signal;

	looks_++;
	if (found == children_.end())
		return false;
	found->second.is_exit_seen = false;
	if (!reap_job(found->second.job, &status, &signal))
		return false;
	Child child = found->second;
	children_.erase(found);
	if (child.pidfd < 0 && --without_pidfd_ == 0)
		uv_signal_stop(signals_);
	unwatch_all(child);
	afork_job_free(child.job);
	call(exited_, {pid, status, signal});
	return true;
}

void Children::on_signal(uv_handle_s *handle, int)
{
	static_cast<Children *>(uv_handle_get_data(handle))->reap_exited();
}

void Children::on_recheck(uv_handle_s *handle)
{
	uv_idle_stop(handle);
	static_cast<Children *>(uv_handle_get_data(handle))->reap_exited();
}

// The kernel names those that have exited, one after the other. When it names somebody else's child, or a sandbox forbids to
// ask, each one has to be looked at.
void Children::reap_exited()
{
	for (int i = 0; i < EVENTS_A_TURN && without_pidfd_ > 0; i++) {
		siginfo_t exited{};

		if (waitid(P_ALL, 0, &exited, WEXITED | WNOHANG | WNOWAIT) == 0 && exited.si_pid == 0)
			return;
		if (!reap(exited.si_pid))
			return reap_without_pidfd();
	}
	if (without_pidfd_ > 0)
		uv_idle_start(recheck_, on_recheck);
}

void Children::reap_without_pidfd()
{
	std::vector<pid_t> pids;

	for (const auto &[pid, child] : children_) {
		if (child.pidfd < 0)
			pids.push_back(pid);
	}
	for (const pid_t pid : pids)
		reap(pid);
}

void Children::call(const Napi::FunctionReference &callback, std::initializer_list<int> numbers)
{
	const Napi::HandleScope scope(env_);
	std::vector<napi_value> arguments;
	napi_value result;

	for (const int number : numbers)
		arguments.push_back(Napi::Number::New(env_, number));
	if (napi_make_callback(env_, nullptr, receiver_.Value(), callback.Value(), arguments.size(), arguments.data(),
			       &result) != napi_pending_exception)
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
		for (auto &[pid, child] : self->children_) {
			self->unwatch_all(child);
			orphans.push_back(child.job);
		}
	}
	self->started_.Reset();
	self->exited_.Reset();
	self->receiver_.Reset();
	for (uv_handle_s *handle : {self->poll_, self->signals_, self->recheck_, self->turn_})
		uv_close(handle, on_closed);
}

void Children::on_closed(uv_handle_s *handle)
{
	Children *self = static_cast<Children *>(uv_handle_get_data(handle));

	free(handle);
	if (++self->closed_ < 4)
		return;
	close(self->epoll_);
	napi_remove_async_cleanup_hook(self->hook_);
	delete self;
}
