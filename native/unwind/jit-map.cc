// SPDX-License-Identifier: MIT
#include "jit-map.h"

#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace forktax
{

namespace
{

constexpr off_t MAX_FILE_BYTES = off_t{64} << 20;
constexpr size_t MAX_NAMES_BYTES = size_t{64} << 20;
constexpr size_t MAX_LINE = 4096;

/* A file is believed that the user of the process, or root, wrote. */
int open_map(int pid, struct stat *status)
{
	struct stat process;
	std::string root = "/proc/" + std::to_string(pid);
	std::string path = root + "/root/tmp/perf-" + std::to_string(innermost_pid(pid)) + ".map";
	int fd = open_regular(path, status);

	if (fd >= 0 &&
	    (stat(root.c_str(), &process) != 0 || (status->st_uid != process.st_uid && status->st_uid != 0))) {
		close(fd);
		return -1;
	}
	return fd;
}

} // namespace

void JitMap::refresh(int pid)
{
	struct stat status;
	char bytes[65536];
	ssize_t size;
	int fd = open_map(pid, &status);

	if (fd < 0)
		return;
	if (status.st_ino != inode_ || status.st_size < read_) {
		*this = JitMap();
		inode_ = status.st_ino;
	}
	while (read_ < std::min(status.st_size, MAX_FILE_BYTES) && names_bytes_ < MAX_NAMES_BYTES &&
	       (size = pread(fd, bytes, sizeof(bytes), read_)) > 0) {
		const char *line = bytes, *end = bytes + size, *stop;
		read_ += size;
		while ((stop = static_cast<const char *>(memchr(line, '\n', static_cast<size_t>(end - line))))) {
			partial_.append(line, stop);
			add_line(partial_.c_str());
			partial_.clear();
			line = stop + 1;
		}
		partial_.append(line, end);
		partial_.resize(std::min(partial_.size(), MAX_LINE));
	}
	close(fd);
}

void JitMap::add_line(const char *line)
{
	uint64_t address, bytes;
	int name = 0;

	if (sscanf(line, "%" SCNx64 " %" SCNx64 " %n", &address, &bytes, &name) != 2 || name == 0)
		return;
	std::string text(line + name, strnlen(line + name, 1024));
	names_bytes_ += text.size() + sizeof(Function);
	/* Code that has moved away from here may have been collected: what is written last holds. */
	functions_[address] = {bytes, std::move(text)};
}

const std::string *JitMap::find(uint64_t address) const
{
	auto after = functions_.upper_bound(address);

	if (after == functions_.begin())
		return nullptr;
	const auto &[start, function] = *--after;
	return address - start < function.bytes ? &function.name : nullptr;
}

} // namespace forktax
