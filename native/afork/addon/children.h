// SPDX-License-Identifier: MIT
// The children of one JavaScript thread: their execs and exits, told on its event loop. One poll handle on one epoll
// instance that holds every pidfd and doorbell; no thread. Children without a pidfd are looked at when SIGCHLD comes.
#ifndef AFORK_ADDON_CHILDREN_H
#define AFORK_ADDON_CHILDREN_H

#include <napi.h>

#include <list>
#include <unordered_map>
#include <vector>

#include "request.h"

struct uv_handle_s;

class Children
{
      public:
	// Null, with a JavaScript exception pending, where it cannot work. Lives until its thread ends.
	static Children *create(Napi::Env env);

	// What the next child may cost.
	Cost affordable();
	// Takes the job over. 0, or an errno, and the child is no more.
	int add(afork_job *job);
	int kill(pid_t pid, int signal) const;
	// AFORK_STARTING: it will be told to on_start's callback when the child has executed.
	afork_state state(pid_t pid);
	// Whether the event loop goes on for children still to exit.
	void hold(bool held);
	// How often a child was looked at, to learn of its exec or exit: what a spawn and an exit cost must not grow with the
	// number of children.
	size_t looks() const
	{
		return looks_;
	}
	void on_start(const Napi::Function &callback)
	{
		started_ = Napi::Persistent(callback);
	}
	void on_exit(const Napi::Function &callback)
	{
		exited_ = Napi::Persistent(callback);
	}

      private:
	struct Child {
		afork_job *job;
		int pidfd, doorbell; // watched, or -1
		bool is_start_wanted, is_exit_seen;
		std::list<pid_t>::iterator bell; // its place in bells_, while it has a doorbell
	};

	explicit Children(Napi::Env env) : env_(env)
	{
	}
	int open();
	int watch(int fd, uint64_t what);
	void unwatch(int &fd);
	void unwatch_all(Child &child);
	void unwatch_bell(Child &child);
	void watch_by_signal();
	void on_bell(pid_t pid);
	void on_exit_seen(pid_t pid);
	void drop_doorbells();
	// Whether it was ours and had exited.
	bool reap(pid_t pid);
	void reap_exited();
	void reap_without_pidfd();
	void call(const Napi::FunctionReference &callback, std::initializer_list<int> numbers);
	static void on_readable(uv_handle_s *handle, int status, int events);
	static void on_turn(uv_handle_s *handle);
	static void on_signal(uv_handle_s *handle, int signal);
	static void on_recheck(uv_handle_s *handle);
	static void on_closed(uv_handle_s *handle);
	static void on_thread_end(napi_async_cleanup_hook_handle hook, void *self);

	Napi::Env env_;
	int epoll_ = -1;
	uv_handle_s *poll_ = nullptr, *signals_ = nullptr, *recheck_ = nullptr, *turn_ = nullptr;
	int closed_ = 0;
	napi_async_cleanup_hook_handle hook_ = nullptr;
	std::unordered_map<pid_t, Child> children_;
	std::list<pid_t> bells_;	// whose doorbell is watched; the next to be looked at comes first
	std::vector<pid_t> seen_, due_; // have exited: seen since the last poll, and before it
	size_t without_pidfd_ = 0, looks_ = 0;
	Napi::FunctionReference started_, exited_;
	Napi::ObjectReference receiver_;
};

// An exit as JavaScript gets it: an exit code and no signal, or a signal, or the negative errno of a child that never ran
// its program. False: it has not exited.
bool reap_job(afork_job *job, int *status, int *signal);

#endif
