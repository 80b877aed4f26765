/* SPDX-License-Identifier: MIT */
#pragma once

#include "object.h"

#include <string>

namespace forktax
{

/* Starts to collect libbpf's messages in this thread. */
void begin_log();
/* Returns a failure with the collected messages. `error` is an errno of either sign. */
Failure failure(int error, std::string what);

} // namespace forktax
