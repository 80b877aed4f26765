/* SPDX-License-Identifier: MIT */
#pragma once

#include "registers.h"
#include "stack.h"

#include <elfutils/libdw.h>

namespace forktax
{

/* What an expression of call frame information sees. */
struct Surroundings {
	const Registers &registers;
	const Stack &stack;
	uint64_t cfa; /* the canonical frame address; 0 while it is being computed */
};

/*
 * Evaluates a DWARF expression, in at most 4096 steps. If it ends as a location in memory, `ret` is the address and
 * `ret_is_location` is true; if it names a register or a value, `ret` is what it has. False: it cannot be evaluated.
 */
bool evaluate(const Dwarf_Op *ops, size_t count, const Surroundings &at, bool *ret_is_location, uint64_t *ret);

} // namespace forktax
