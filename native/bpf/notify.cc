// SPDX-License-Identifier: MIT
#include "notify.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace forktax
{

int notify_manager(const std::string &socket_name, const std::string &message)
{
	struct sockaddr_un address = {};

	if (socket_name.size() < 2 || socket_name.size() >= sizeof(address.sun_path))
		return EINVAL;
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, socket_name.data(), socket_name.size());
	if (address.sun_path[0] == '@')
		address.sun_path[0] = 0;
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + socket_name.size();
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	ssize_t sent = sendto(fd, message.data(), message.size(), MSG_NOSIGNAL,
			      reinterpret_cast<const struct sockaddr *>(&address), size);
	int error = sent < 0 ? errno : 0;
	close(fd);
	return error;
}

} // namespace forktax
