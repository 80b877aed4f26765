// SPDX-License-Identifier: MIT
#include "symbol.h"

#include <dwarf.h>
/* Otherwise libiberty declares it otherwise than libc. */
#define HAVE_DECL_BASENAME 1
#include <libiberty/demangle.h>

#include <cstdlib>
#include <cstring>

namespace forktax
{

namespace
{

constexpr size_t MAX_MANGLED = 4096;
constexpr size_t MAX_NAME = 1024;
constexpr int MAX_INLINED = 32;

struct Place {
	std::string file;
	int line = 0;
};

std::string cut(std::string text)
{
	if (text.size() > MAX_NAME) {
		text.resize(MAX_NAME);
		text += "...";
	}
	return text;
}

const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = nullptr;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : dwarf_diename(die);
}

Place place_of_address(Dwfl_Module *module, uint64_t address)
{
	Place place;
	Dwfl_Line *line = dwfl_module_getsrc(module, address);
	const char *file = line ? dwfl_lineinfo(line, nullptr, &place.line, nullptr, nullptr, nullptr) : nullptr;

	if (file)
		place.file = cut(file);
	return place;
}

/* Where a function was called that was inlined. */
Place place_of_call(Dwarf_Die *unit, Dwarf_Die *inlined)
{
	Place place;
	Dwarf_Attribute attribute;
	Dwarf_Word number = 0, line = 0;
	Dwarf_Files *files;
	size_t count;

	if (!dwarf_attr(inlined, DW_AT_call_file, &attribute) || dwarf_formudata(&attribute, &number) != 0 ||
	    dwarf_getsrcfiles(unit, &files, &count) != 0 || number >= count)
		return place;
	const char *file = dwarf_filesrc(files, number, nullptr, nullptr);
	if (file)
		place.file = cut(file);
	if (dwarf_attr(inlined, DW_AT_call_line, &attribute) && dwarf_formudata(&attribute, &line) == 0)
		place.line = static_cast<int>(line);
	return place;
}

/* The scopes around an address in the function that has its code, innermost first. To be freed. */
int concrete_scopes(Dwarf_Die *unit, uint64_t address, Dwarf_Die **ret)
{
	Dwarf_Die *scopes = nullptr;
	int count = dwarf_getscopes(unit, address, &scopes), found = 0;

	*ret = nullptr;
	/* What is around an inlined function here are the scopes where it was defined. */
	for (int i = 0; i < count && found == 0; i++) {
		int tag = dwarf_tag(&scopes[i]);
		if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram)
			found = dwarf_getscopes_die(&scopes[i], ret);
	}
	free(scopes);
	return found;
}

/* Adds the inlined functions. `ret_place` is then where the outermost of them was called in the function around. */
void add_inlined(Dwfl_Module *module, uint64_t address, std::vector<Symbol> *symbols, Place *ret_place,
		 std::string *ret_function)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, &bias);
	Dwarf_Die *scopes = nullptr;
	int count = unit ? concrete_scopes(unit, address - bias, &scopes) : 0;

	for (int i = 0; i < count; i++) {
		int tag = dwarf_tag(&scopes[i]);
		const char *name = linkage_name(&scopes[i]);

		if (tag == DW_TAG_subprogram) {
			*ret_function = name ? demangle(name) : "";
			break;
		}
		if (tag != DW_TAG_inlined_subroutine || symbols->size() == MAX_INLINED)
			continue;
		symbols->push_back({name ? demangle(name) : "", true, ret_place->file, ret_place->line});
		*ret_place = place_of_call(unit, &scopes[i]);
	}
	free(scopes);
}

} // namespace

std::string demangle(const char *name)
{
	/* Other languages that libiberty knows could take names of C for theirs. */
	bool is_mangled = strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0;

	if (!is_mangled || strnlen(name, MAX_MANGLED) == MAX_MANGLED)
		return cut(std::string(name, strnlen(name, MAX_MANGLED)));
	char *plain = cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
	std::string result = plain ? plain : name;
	free(plain);
	return cut(result);
}

std::vector<Symbol> find_symbols(Dwfl_Module *module, uint64_t address)
{
	std::vector<Symbol> symbols;
	std::string function;
	GElf_Off offset = 0;
	GElf_Sym symbol;

	Place place = place_of_address(module, address);
	add_inlined(module, address, &symbols, &place, &function);
	const char *name = dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
	if (name)
		function = demangle(name);
	if (!function.empty() || !place.file.empty())
		symbols.push_back({function, false, place.file, place.line});
	return symbols;
}

} // namespace forktax
