// SPDX-License-Identifier: MIT
#include "request.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "look.h"

namespace
{

// As libuv does it: every signal that a program can reset, and not glibc's own of real time.
constexpr uint64_t RESETTABLE_SIGNALS = 0x7fffffff & ~(1ull << (SIGKILL - 1)) & ~(1ull << (SIGSTOP - 1));

constexpr int MOST_MAPPED = 4095; // the highest descriptor that is passed on without being asked for

// How long a spawn waits for its child to have its own descriptors. That takes some 10 us; on a machine whose processors
// are all taken it may take milliseconds, and then the spawn goes on without. Not less than a clock tick: a shorter timer
// has to be programmed first, which took a millisecond in a virtual machine.
constexpr unsigned SETTLE_US = 5000;

const char *find_path(const Request &request)
{
	for (const char *const *entry = request.has_environment ? request.environment.pointers() : environ; *entry;
	     entry++) {
		if (strncmp(*entry, "PATH=", 5) == 0)
			return *entry + 5;
	}
	return "/bin:/usr/bin";
}

// The descriptors that this process was started with and passes on to its children, the standard ones aside. Node makes the
// lowest descriptors close-on-exec, up to the first number that is not open, and leaves those above as they are.
std::vector<int> find_inherited_fds()
{
	std::vector<int> inherited;
	DIR *directory = opendir("/proc/self/fd");
	const dirent *entry;

	while (directory && (entry = readdir(directory))) {
		const int fd = atoi(entry->d_name);
		const int flags = fcntl(fd, F_GETFD);

		if (fd > 2 && fd <= MOST_MAPPED && flags >= 0 && !(flags & FD_CLOEXEC))
			inherited.push_back(fd);
	}
	if (directory)
		closedir(directory);
	std::ranges::sort(inherited);
	return inherited;
}

const std::vector<int> &inherited_fds()
{
	static const std::vector<int> &fds = *new std::vector<int>(find_inherited_fds());

	return fds;
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
	const std::vector<int> &inherited = inherited_fds();
	const size_t asked = std::max<size_t>(request.fd_count, 3),
		     passed = inherited.empty() ? 0 : inherited.back() + 1;

	// Fewer than three leave the standard ones to be /dev/null, more are left as they are: libuv's rule.
	entries_.assign(asked, AFORK_FD_KEEP);
	std::fill_n(entries_.begin(), 3, AFORK_FD_NULL);
	entries_.resize(std::max(asked, passed), AFORK_FD_CLOSE);
	for (const int fd : inherited) {
		if (static_cast<size_t>(fd) >= asked)
			entries_[fd] = AFORK_FD_KEEP;
	}
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

	if (afork_job_wait_exec(job, &failure) != AFORK_FAILED) {
		afork_job_settle(job, 0);
		return 0;
	}
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

namespace
{

// What one child is asked for, and what must live until afork_spawn() has copied it.
class Options
{
      public:
	Options(const Request &request, const FdMap &map, const char *path, const found &found);
	int spawn(afork_job **job, Cost &cost) const;

      private:
	int spawn_with(afork_job **job, uint32_t flags) const;

	afork_options options_{};
	afork_action null_input_{};
};

Options::Options(const Request &request, const FdMap &map, const char *path, const found &found)
{
	// libuv opens the null device of descriptor 0 for reading only.
	null_input_.type = AFORK_OPEN;
	null_input_.flags = O_RDONLY;
	null_input_.path = "/dev/null";

	options_.size = sizeof options_;
	options_.flags = AFORK_SEARCH_PATH | AFORK_SHELL_FALLBACK | AFORK_SETMASK | AFORK_STDIO_BLOCKING |
			 AFORK_RETRY_BUSY | (request.flags & FLAG_DETACHED ? AFORK_SETSID : 0) |
			 (found.directory >= 0 ? AFORK_CWD_FD : 0) | (found.program >= 0 ? AFORK_FILE_FD : 0);
	options_.file = request.file.c_str();
	options_.path = path;
	options_.argv = request.arguments.pointers();
	options_.envp = request.has_environment ? request.environment.pointers() : nullptr;
	options_.cwd = request.cwd.empty() ? nullptr : request.cwd.c_str();
	options_.cwd_fd = found.directory;
	options_.file_fd = found.program;
	options_.fd_map = map.entries().data();
	options_.fd_map_count = map.entries().size();
	options_.actions = &null_input_;
	options_.action_count = map.entries()[0] == AFORK_FD_NULL ? 1 : 0;
	options_.signals_default = RESETTABLE_SIGNALS;
}

int Options::spawn_with(afork_job **job, uint32_t flags) const
{
	afork_options options = options_;

	options.flags |= flags;
	return afork_spawn(job, &options);
}

// Where descriptors run out, Node itself could still have spawned: so it is tried with fewer and fewer.
int Options::spawn(afork_job **job, Cost &cost) const
{
	const uint32_t flags =
		(cost == Cost::NOTHING ? AFORK_NO_PIDFD : 0) | (cost == Cost::PIDFD_AND_DOORBELL ? AFORK_DOORBELL : 0);
	int error = spawn_with(job, AFORK_ONLY_GIVEN | flags);

	for (const uint32_t fewer : {AFORK_ONLY_GIVEN, 0u}) {
		if (error != EMFILE && error != ENFILE)
			break;
		cost = Cost::NOTHING;
		error = spawn_with(job, AFORK_NO_PIDFD | fewer);
	}
	return error;
}

// Whether the child is waited for until its exec, and no longer than it takes to run its first instructions if not.
bool must_await_exec(const Request &request, const found &found, Cost cost)
{
	if (request.flags & FLAG_WAIT || cost != Cost::PIDFD_AND_DOORBELL)
		return true;
	return request.flags & FLAG_STRICT && (found.is_blind || !is_length_certain(request));
}

Started finish_start(afork_job *job, const Request &request, const found &found, Cost cost)
{
	if (must_await_exec(request, found, cost)) {
		const int error = await_exec(job);

		return {error ? nullptr : job, error, true, false};
	}
	const bool is_settled = afork_job_settle(job, request.flags & FLAG_NO_WAIT ? 0 : SETTLE_US);
	if (request.flags & FLAG_STRICT && request.flags & FLAG_DETACHED)
		await_session(job);
	return {job, 0, false, !is_settled};
}

} // namespace

void note_inherited_fds()
{
	inherited_fds();
}

Started start(const Request &request, Cost cost)
{
	const bool strict = request.flags & FLAG_STRICT;
	const char *path = find_path(request);
	found found{-1, -1, 0};
	afork_job *job = nullptr;
	FdMap map;
	int error = strict ? look_for_fds(request.fds, request.fd_count) : 0;

	if (const int pipe_error = map.open(request))
		return {nullptr, pipe_error, false, false};
	if (!error && strict)
		error = look_for_program(request.cwd.empty() ? nullptr : request.cwd.c_str(), request.file.c_str(),
					 &path, &found);
	if (error)
		return {nullptr, error, false, false};
	error = Options(request, map, path, found).spawn(&job, cost);
	found_close(&found);
	return error ? Started{nullptr, error, false, false} : finish_start(job, request, found, cost);
}
