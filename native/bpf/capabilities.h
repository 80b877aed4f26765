/* SPDX-License-Identifier: MIT */
#pragma once

#include <cstdint>

namespace forktax
{

/*
 * Reduces what every thread of this process may do, masks of 1 << CAP_...: the permitted set to what is also in
 * `permitted`, for good; the effective set to what is in both; nothing stays inheritable or ambient. Threads made later
 * inherit it. Gives 0, or a positive errno: then some threads may have changed and others not, and the caller should
 * stop.
 *
 * capset(2) changes one thread. As the set*id functions of libc do, this sends each thread a signal whose handler does
 * it there (see nptl(7) and libpsx(3)), and it borrows their signal: Node has threads that block all others. So nothing
 * may call those functions meanwhile.
 */
int reduce_capabilities(uint64_t permitted, uint64_t effective);

} // namespace forktax
