/* SPDX-License-Identifier: MIT */
#pragma once

#include <elfutils/libdwfl.h>

#include <string>
#include <vector>

namespace forktax
{

/* A function at an address. Of functions that were inlined there, each is a symbol of its own. */
struct Symbol {
	std::string name;
	bool inlined = false;
	std::string file; /* empty: DWARF does not say */
	int line = 0;
};

/* What symbol tables and DWARF say of an address, innermost first. */
std::vector<Symbol> find_symbols(Dwfl_Module *module, uint64_t address);

/* The name that a person wrote, for C++ and Rust. Other names stay as they are; long ones are cut. */
std::string demangle(const char *name);

} // namespace forktax
