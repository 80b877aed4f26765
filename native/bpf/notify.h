/* SPDX-License-Identifier: MIT */
#pragma once

#include <string>

namespace forktax
{

/*
 * Sends a message of sd_notify(3) to the socket that $NOTIFY_SOCKET names. A name that begins with @ is abstract, unix(7).
 * Node.js has no datagram sockets of AF_UNIX. Returns 0 or a positive errno.
 */
int notify_manager(const std::string &socket_name, const std::string &message);

} // namespace forktax
