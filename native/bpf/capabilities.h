/* SPDX-License-Identifier: MIT */
#pragma once

#include <cstdint>

namespace forktax
{

/*
 * Reduces the capabilities of every thread of this process, for good. Both arguments are masks of 1 << CAP_...
 *
 *  - The permitted set keeps what is also in `permitted`.
 *  - The effective set keeps what is in `permitted` and `effective`.
 *  - The inheritable and ambient sets become empty.
 *
 * Threads that are created later inherit these sets. Returns 0 or a positive errno. After an error, some threads may have
 * changed and others not, so the caller should stop.
 *
 * capset(2) changes one thread only. Like libc's set*id functions (nptl(7), libpsx(3)), this function sends each thread a
 * signal whose handler calls capset there. It uses the same signal, because some of Node's threads block all others.
 * Hazard: no other thread may call a set*id function meanwhile.
 */
int reduce_capabilities(uint64_t permitted, uint64_t effective);

} // namespace forktax
