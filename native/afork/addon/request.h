// SPDX-License-Identifier: MIT
// One spawn as JavaScript asks for it, copied into plain C, and its start.
#ifndef AFORK_ADDON_REQUEST_H
#define AFORK_ADDON_REQUEST_H

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

extern "C" {
#include "afork.h"
}

// The numbers of native.ts.
constexpr int FD_IGNORE = -1;
constexpr int FD_PIPE = -2;
constexpr uint32_t FLAG_DETACHED = 1;
constexpr uint32_t FLAG_STRICT = 2;
constexpr uint32_t FLAG_WAIT = 4;
constexpr uint32_t FLAG_NO_WAIT = 8;

// Strings of a JavaScript array, as argv and envp are.
class Strings
{
      public:
	void assign(const Napi::Array &array);
	const char *const *pointers() const
	{
		return pointers_.data();
	}
	size_t exec_bytes() const
	{
		return bytes_.size() + pointers_.size() * sizeof(char *);
	}

      private:
	std::vector<char> bytes_;
	std::vector<const char *> pointers_;
};

struct Request {
	explicit Request(const Napi::Object &program);

	std::string file;
	std::string cwd;
	Strings arguments;
	Strings environment;
	bool has_environment;
	uint32_t flags;
	// The memory of the JavaScript array: an FD_PIPE becomes this process's end.
	int32_t *fds;
	size_t fd_count;
};

struct Started {
	afork_job *job; // null: there is no child
	int error;	// errno
	bool waited;	// for the exec
	bool unsettled; // the child does not have its own descriptors yet
};

// How many descriptors a child may cost until its exit.
enum class Cost {
	PIDFD_AND_DOORBELL,
	PIDFD,
	NOTHING, // then its exec is waited for, and its exit found by its pid
};

// Keeps in mind what this process was started with and passes on to its children. To be called before anything else is opened.
void note_inherited_fds();

// Makes the pipes, and the child unless a strict look foresees that it would fail. What no look can tell, a strict start
// waits for. The pipes are there after a failure too, and read as ended: Node's streams are opened on them all the same.
Started start(const Request &request, Cost cost);

#endif
