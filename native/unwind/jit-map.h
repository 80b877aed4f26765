/* SPDX-License-Identifier: MIT */
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <sys/types.h>

namespace forktax
{

/*
 * The names that a just-in-time compiler writes to /tmp/perf-PID.map, a line for each function: address and size in
 * hexadecimal, name. Node.js does so with --perf-basic-prof.
 */
class JitMap
{
      public:
	/*
	 * Reads what was added to the file since the last call. The file is looked for in the mount namespace of the process,
	 * by its pid in its own pid namespace, and must belong to its user.
	 */
	void refresh(int pid);
	/* Null: no function has this address. */
	const std::string *find(uint64_t address) const;

      private:
	void add_line(const char *line);

	struct Function {
		uint64_t bytes;
		std::string name;
	};
	std::map<uint64_t, Function> functions_;
	off_t read_ = 0;
	ino_t inode_ = 0;
	std::string partial_;
	size_t names_bytes_ = 0;
};

} // namespace forktax
