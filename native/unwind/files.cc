// SPDX-License-Identifier: MIT
#include "files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace forktax
{

int open_regular(const std::string &path, struct stat *ret)
{
	/* To open a device or a FIFO in earnest may do or wait for something. */
	int place = open(path.c_str(), O_PATH | O_CLOEXEC);

	if (place < 0)
		return -1;
	int fd = fstat(place, ret) == 0 && S_ISREG(ret->st_mode)
			 ? open(("/proc/self/fd/" + std::to_string(place)).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
			 : -1;
	close(place);
	return fd;
}

std::string read_proc(const std::string &path, size_t limit)
{
	std::string text;
	char bytes[16384];
	ssize_t size;
	int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return text;
	while (text.size() < limit && (size = read(fd, bytes, sizeof(bytes))) > 0)
		text.append(bytes, static_cast<size_t>(size));
	close(fd);
	return text;
}

uint64_t start_time(int pid)
{
	std::string text = read_proc("/proc/" + std::to_string(pid) + "/stat", 4096);
	/* The name may hold spaces and brackets. It is the second field, and the start is the 22nd. */
	size_t at = text.rfind(')');

	for (int field = 2; field < 22 && at != std::string::npos; field++)
		at = text.find(' ', at + 1);
	return at == std::string::npos ? 0 : strtoull(text.c_str() + at, nullptr, 10);
}

int innermost_pid(int pid)
{
	std::string text = read_proc("/proc/" + std::to_string(pid) + "/status", 16384);
	size_t line = text.find("\nNSpid:");

	if (line == std::string::npos)
		return pid;
	size_t end = text.find('\n', line + 1);
	size_t last = text.find_last_of("\t ", end);
	return atoi(text.c_str() + last);
}

} // namespace forktax
