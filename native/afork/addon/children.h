// SPDX-License-Identifier: MIT
// The children of one JavaScript thread: their exits, told on its event loop. One poll handle on one epoll instance that
// holds every pidfd; no thread, no SIGCHLD.
#ifndef AFORK_ADDON_CHILDREN_H
#define AFORK_ADDON_CHILDREN_H

#include <napi.h>

#include <unordered_map>

extern "C" {
#include "afork.h"
}

struct uv_handle_s;

class Children
{
      public:
	// Null, with a JavaScript exception pending, where it cannot work. Lives until its thread ends.
	static Children *create(Napi::Env env);

	// Takes the job over. 0, or an errno, and the child is no more.
	int add(afork_job *job);
	int kill(pid_t pid, int signal) const;
	// Whether the event loop goes on for children still to exit.
	void hold(bool held);
	void on_exit(const Napi::Function &callback)
	{
		callback_ = Napi::Persistent(callback);
	}

      private:
	explicit Children(Napi::Env env) : env_(env)
	{
	}
	int open();
	void reap(pid_t pid);
	void tell(pid_t pid, int status, int signal);
	static void on_readable(uv_handle_s *handle, int status, int events);
	static void on_thread_end(napi_async_cleanup_hook_handle hook, void *self);

	Napi::Env env_;
	int epoll_ = -1;
	uv_handle_s *poll_ = nullptr;
	napi_async_cleanup_hook_handle hook_ = nullptr;
	std::unordered_map<pid_t, afork_job *> jobs_;
	Napi::FunctionReference callback_;
};

// An exit as JavaScript gets it: an exit code and no signal, or a signal, or the negative errno of a child that never ran
// its program. False: it has not exited.
bool reap_job(afork_job *job, int *status, int *signal);

#endif
