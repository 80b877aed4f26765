/* SPDX-License-Identifier: MIT */
#pragma once

namespace forktax
{

/*
 * Gives memory back to the system that is free but kept by malloc, and takes the pages of this process's executable out of
 * its resident set: those that only the start needed do not come back. The others do at their next use, from the page cache,
 * without reading the disk. Only mappings that cannot be written and of which no page is private, in memory or in swap space,
 * are taken, so nothing is lost. Returns 0 or a positive errno.
 */
int release_pages();

} // namespace forktax
