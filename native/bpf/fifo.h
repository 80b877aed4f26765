/* SPDX-License-Identifier: MIT */
#pragma once

#include <cstddef>
#include <string>
#include <sys/types.h>

namespace forktax
{

/*
 * Opens a FIFO for reading, without blocking, and makes it if it is not there. What is there must be a FIFO of this user. It gets
 * the mode, whatever the umask is, and room for `capacity` bytes if this user may have so much. It is opened for writing too, so
 * that it never ends. Returns the descriptor, or a negative errno.
 */
int open_fifo(const std::string &path, mode_t mode, size_t capacity);

} // namespace forktax
