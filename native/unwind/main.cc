// SPDX-License-Identifier: MIT
/*
 * Unwinds copied stacks, in a process of its own: the files and stacks that it reads come from any program on the system,
 * and a damaged or hostile one must not end or stop the collector.
 *
 * Usage: unwind MAX_PROCESSES MAX_FRAMES. Requests come on descriptor 0: struct Request, then its bytes. The answer to each
 * stack is a line of JSON on descriptor 1, in the order of the requests. It ends when descriptor 0 does. A stack that takes
 * longer than SECONDS ends it with SIGALRM.
 * unwind --version: prints libdw's version.
 */
#include "answer.h"
#include "confine.h"
#include "walk.h"

#include <elfutils/version.h>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace
{

using namespace forktax;

enum class Kind : uint32_t {
	meet = 1,
	forget = 2,
	unwind = 3
};

/* In the byte order of the machine, without padding. collector/system/unwinder.ts writes it. */
struct Request {
	Kind kind;
	int32_t pid;
	uint32_t id;
	uint32_t registers_bytes;
	uint32_t stack_bytes;
	int32_t forked_from; /* to meet: a process with the same program, if this one has ended; or 0 */
	uint64_t stack_start;
};

constexpr unsigned SECONDS = 10; /* for one stack; with symbols of large programs the first takes one or two */
constexpr uint32_t MAX_REGISTERS_BYTES = 4096;
constexpr uint32_t MAX_STACK_BYTES = 1 << 20;
constexpr size_t MAX_WAITING = 1000;

bool read_all(void *bytes, size_t size)
{
	auto *at = static_cast<uint8_t *>(bytes);

	while (size > 0) {
		ssize_t got = read(STDIN_FILENO, at, size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		size -= static_cast<size_t>(got);
	}
	return true;
}

bool write_all(const std::string &text)
{
	for (size_t at = 0; at < text.size();) {
		ssize_t put = write(STDOUT_FILENO, text.data() + at, text.size() - at);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		at += static_cast<size_t>(put);
	}
	return true;
}

/* The answer to a request with its bytes, which are registers and stack. */
std::string unwind(Processes *processes, const Request &request, const uint8_t *bytes, size_t max_frames)
{
	Registers registers;
	Stack stack(request.stack_start, bytes + request.registers_bytes, request.stack_bytes);

	if (!read_registers(bytes, request.registers_bytes, &registers))
		return render(request.id, {{}, "unsupported"}, nullptr);
	Process *process = processes->meet(request.pid);
	Chain chain = walk(process, registers, stack, max_frames);
	return render(request.id, chain, process ? &process->jit_map() : nullptr, request.pid);
}

/* A request for a stack, which waits. It may hold secrets. */
struct Waiting {
	Request request;
	std::vector<uint8_t> bytes;

	Waiting(const Request &wanted) : request(wanted), bytes(wanted.registers_bytes + wanted.stack_bytes)
	{
	}
	Waiting(const Waiting &) = delete;
	Waiting &operator=(const Waiting &) = delete;
	~Waiting()
	{
		explicit_bzero(bytes.data(), bytes.size());
	}
};

bool more_to_read()
{
	struct pollfd input = {STDIN_FILENO, POLLIN, 0};

	return poll(&input, 1, 0) > 0;
}

/* Takes one request. False: there will be no more. */
bool take(Processes *processes, std::deque<Waiting> *waiting)
{
	Request request;

	if (!read_all(&request, sizeof(request)) || request.registers_bytes > MAX_REGISTERS_BYTES ||
	    request.stack_bytes > MAX_STACK_BYTES)
		return false;
	if (request.kind == Kind::unwind) {
		waiting->emplace_back(request);
		return read_all(waiting->back().bytes.data(), waiting->back().bytes.size());
	}
	std::string maps(request.stack_bytes, '\0');
	if (!read_all(maps.data(), maps.size()))
		return false;
	alarm(SECONDS);
	if (request.kind == Kind::meet)
		processes->meet(request.pid, request.forked_from, maps);
	else if (request.kind == Kind::forget)
		processes->forget(request.pid);
	alarm(0);
	return true;
}

/* Processes that spawn may live for a millisecond, so whoever is to be met is met before the next stack is unwound. */
void serve(size_t max_processes, size_t max_frames)
{
	Processes processes(max_processes);
	std::deque<Waiting> waiting;

	for (;;) {
		while (waiting.empty() || (waiting.size() < MAX_WAITING && more_to_read()))
			if (!take(&processes, &waiting))
				return;
		alarm(SECONDS);
		bool good = write_all(
			unwind(&processes, waiting.front().request, waiting.front().bytes.data(), max_frames));
		alarm(0);
		waiting.pop_front();
		if (!good)
			return;
	}
}

} // namespace

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%d\n", _ELFUTILS_VERSION);
		return 0;
	}
	if (argc != 3) {
		fprintf(stderr, "usage: unwind MAX_PROCESSES MAX_FRAMES\n");
		return 2;
	}
	confine();
	serve(strtoul(argv[1], nullptr, 10), strtoul(argv[2], nullptr, 10));
	return 0;
}
