// SPDX-License-Identifier: MIT
#include "request.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "look.h"

namespace
{

// As libuv does it: every signal that a program can reset, and not glibc's own of real time.
constexpr uint64_t RESETTABLE_SIGNALS = 0x7fffffff & ~(1ull << (SIGKILL - 1)) & ~(1ull << (SIGSTOP - 1));

const char *find_path(const Request &request)
{
	for (const char *const *entry = request.has_environment ? request.environment.pointers() : environ; *entry;
	     entry++) {
		if (strncmp(*entry, "PATH=", 5) == 0)
			return *entry + 5;
	}
	return "/bin:/usr/bin";
}

// The child's map of descriptors. Owns the child's ends of its pipes.
class FdMap
{
      public:
	int open(const Request &request);
	~FdMap();
	const std::vector<int> &entries() const
	{
		return entries_;
	}

      private:
	std::vector<int> entries_;
	std::vector<int> child_ends_;
};

int FdMap::open(const Request &request)
{
	// Fewer than three leave the standard ones to be /dev/null, more are left as they are: libuv's rule.
	entries_.assign(std::max<size_t>(request.fd_count, 3), AFORK_FD_KEEP);
	std::fill_n(entries_.begin(), 3, AFORK_FD_NULL);
	for (size_t i = 0; i < request.fd_count; i++) {
		int ends[2];

		if (request.fds[i] >= 0)
			entries_[i] = request.fds[i];
		if (request.fds[i] != FD_PIPE)
			continue;
		// With the system's buffers, as libuv after 1.52 (its #5230). 1.51 and 1.52 shrink them, by four system
		// calls a pipe, and children that exit in haste lose output for it.
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
			return errno;
		request.fds[i] = ends[0];
		entries_[i] = ends[1];
		child_ends_.push_back(ends[1]);
	}
	return 0;
}

FdMap::~FdMap()
{
	for (const int fd : child_ends_)
		close(fd);
}

// process.kill(-pid), which means the child's group, must work as soon as the pid is known. This waits for the child's
// first instructions, not for its program.
void await_session(const afork_job *job)
{
	const pid_t pid = afork_job_pid(job);

	while (afork_job_state(job, nullptr) == AFORK_STARTING && getsid(pid) != pid)
		sched_yield();
}

// execve() accepts 128 KiB of strings and pointers in any case; how much more depends on limits, and the exec alone can
// tell (bprm_stack_limits() in the kernel's fs/exec.c).
bool is_length_certain(const Request &request)
{
	return request.file.size() + request.arguments.exec_bytes() + request.environment.exec_bytes() <= 128 * 1024;
}

int await_exec(afork_job *job)
{
	afork_failure failure;
	int status;

	if (afork_job_wait_exec(job, &failure) != AFORK_FAILED)
		return 0;
	afork_job_wait(job, &status, 0);
	afork_job_free(job);
	return failure.error;
}

} // namespace

void Strings::assign(const Napi::Array &array)
{
	const napi_env env = array.Env();
	std::vector<size_t> offsets;

	for (uint32_t i = 0; i < array.Length(); i++) {
		const napi_value value = array.Get(i);
		const size_t offset = bytes_.size();
		size_t length = 0;

		napi_get_value_string_utf8(env, value, nullptr, 0, &length);
		bytes_.resize(offset + length + 1);
		napi_get_value_string_utf8(env, value, bytes_.data() + offset, length + 1, &length);
		offsets.push_back(offset);
	}
	for (const size_t offset : offsets)
		pointers_.push_back(bytes_.data() + offset);
	pointers_.push_back(nullptr);
}

Request::Request(const Napi::Object &program)
    : file(program.Get("file").As<Napi::String>()), cwd(program.Get("cwd").As<Napi::String>()),
      flags(program.Get("flags").As<Napi::Number>())
{
	const Napi::Value pairs = program.Get("environment");
	Napi::Int32Array map = program.Get("fds").As<Napi::Int32Array>();

	arguments.assign(program.Get("args").As<Napi::Array>());
	has_environment = pairs.IsArray();
	if (has_environment)
		environment.assign(pairs.As<Napi::Array>());
	fds = map.Data();
	fd_count = map.ElementLength();
}

Started start(const Request &request)
{
	const bool strict = request.flags & FLAG_STRICT;
	const char *cwd = request.cwd.empty() ? nullptr : request.cwd.c_str();
	const char *path = find_path(request);
	afork_job *job = nullptr;
	FdMap map;
	int error = strict ? look_for_fds(request.fds, request.fd_count) : 0;

	if (const int pipe_error = map.open(request))
		return {nullptr, pipe_error, false};
	if (!error && strict)
		error = look_for_program(cwd, request.file.c_str(), &path);
	if (error)
		return {nullptr, error, false};

	// libuv opens the null device of descriptor 0 for reading only.
	afork_action null_input{};
	null_input.type = AFORK_OPEN;
	null_input.flags = O_RDONLY;
	null_input.path = "/dev/null";

	afork_options options{};
	options.size = sizeof options;
	options.flags = AFORK_SEARCH_PATH | AFORK_SHELL_FALLBACK | AFORK_SETMASK | AFORK_STDIO_BLOCKING |
			(request.flags & FLAG_DETACHED ? AFORK_SETSID : 0);
	options.file = request.file.c_str();
	options.path = path;
	options.argv = request.arguments.pointers();
	options.envp = request.has_environment ? request.environment.pointers() : nullptr;
	options.cwd = cwd;
	options.fd_map = map.entries().data();
	options.fd_map_count = map.entries().size();
	options.actions = &null_input;
	options.action_count = map.entries()[0] == AFORK_FD_NULL ? 1 : 0;
	options.signals_default = RESETTABLE_SIGNALS;
	error = afork_spawn(&job, &options);
	if (error)
		return {nullptr, error, false};
	if (request.flags & FLAG_WAIT || (strict && !is_length_certain(request))) {
		error = await_exec(job);
		return {error ? nullptr : job, error, true};
	}
	if (strict && request.flags & FLAG_DETACHED)
		await_session(job);
	return {job, 0, false};
}
