/* SPDX-License-Identifier: MIT */
#pragma once

#include "object.h"

#include <string>

namespace forktax
{

/* Starts to collect what libbpf says in this thread, */
void begin_log();
/* and hands it over with the error, of either sign. */
Failure failure(int error, std::string what);

} // namespace forktax
