/* SPDX-License-Identifier: MIT */
#pragma once

#include "jit-map.h"
#include "walk.h"

#include <cstdint>
#include <string>

namespace forktax
{

/*
 * A line of JSON: {"id":1,"end":"complete","frames":[...]}. Addresses and offsets are strings in hexadecimal. Control
 * characters in names become question marks. `jit_map` is read when an address is in no file.
 */
std::string render(uint32_t id, const Chain &chain, JitMap *jit_map, int pid = 0);

} // namespace forktax
