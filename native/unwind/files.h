/* SPDX-License-Identifier: MIT */
/* Files that other processes have made or named: they may be anything. */
#pragma once

#include <cstdint>
#include <string>

#include <sys/stat.h>

namespace forktax
{

/* Opens a regular file for reading; -1 for anything else. Opening it has no effect, and does not wait, whatever it is. */
int open_regular(const std::string &path, struct stat *ret);

/* All of a file of procfs, up to `limit` bytes; empty if it cannot be read. */
std::string read_proc(const std::string &path, size_t limit);

/* When the process started, in ticks since boot, which tells it from an older one with its pid; 0 if there is none. */
uint64_t start_time(int pid);

/* The pid of a process in its own pid namespace. */
int innermost_pid(int pid);

} // namespace forktax
