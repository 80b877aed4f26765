// SPDX-License-Identifier: MIT
#include "fifo.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace forktax
{

int open_fifo(const std::string &path, mode_t mode, size_t capacity)
{
	struct stat status;

	if (mkfifo(path.c_str(), mode) != 0 && errno != EEXIST)
		return -errno;
	int fd = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	int error = fstat(fd, &status) == 0 ? 0 : errno;
	if (!error && (!S_ISFIFO(status.st_mode) || status.st_uid != geteuid()))
		error = EEXIST;
	if (!error && fchmod(fd, mode) != 0)
		error = errno;
	if (error) {
		close(fd);
		return -error;
	}
	fcntl(fd, F_SETPIPE_SZ, static_cast<int>(capacity)); /* the smaller pipe that it has otherwise works as well */
	return fd;
}

} // namespace forktax
