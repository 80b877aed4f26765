// SPDX-License-Identifier: MIT
#include "answer.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace forktax
{

namespace
{

std::string quoted(const std::string &text)
{
	std::string result = "\"";

	for (char each : text) {
		if (each == '"' || each == '\\')
			result += '\\';
		result += static_cast<unsigned char>(each) < ' ' || each == 0x7f ? '?' : each;
	}
	return result + '"';
}

std::string hexadecimal(uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "\"0x%" PRIx64 "\"", number);
	return text;
}

std::string member(const char *name, const std::string &value)
{
	return std::string(",\"") + name + "\":" + value;
}

std::string render_symbol(const Symbol &symbol)
{
	std::string text;

	if (!symbol.name.empty())
		text += member("symbol", quoted(symbol.name));
	if (symbol.inlined)
		text += member("inlined", "true");
	if (!symbol.file.empty()) {
		text += member("file", quoted(symbol.file));
		if (symbol.line > 0)
			text += member("line", std::to_string(symbol.line));
	}
	return text;
}

bool is_compiled_at_run_time(const Frame &frame)
{
	return frame.mapping && !frame.mapping->image;
}

/* The frame, and before it those of the functions that were inlined there. */
std::string render_frame(const Frame &frame, const JitMap *jit_map)
{
	std::string common = "{\"address\":" + hexadecimal(frame.address) + member("how", quoted(frame.how));
	uint64_t pc = frame.is_return_address ? frame.address - 1 : frame.address, address;
	const Mapping *mapping = frame.mapping;

	if (mapping && !mapping->name.empty())
		common += member("module", quoted(mapping->name));
	if (is_compiled_at_run_time(frame) && jit_map) {
		const std::string *name = jit_map->find(pc);
		return common + (name ? member("symbol", quoted(*name)) : "") + "}";
	}
	if (!mapping || !mapping->image || pc < mapping->start ||
	    !mapping->image->address_of(pc - mapping->start + mapping->file_offset, &address))
		return common + "}";
	if (!mapping->image->build_id().empty())
		common += member("buildId", quoted(mapping->image->build_id()));
	common += member("offset", hexadecimal(address + (frame.address - pc)));
	std::string text;
	for (const Symbol &each : mapping->image->symbols_at(address))
		text += (text.empty() ? "" : ",") + common + render_symbol(each) + "}";
	return text.empty() ? common + "}" : text;
}

} // namespace

std::string render(uint32_t id, const Chain &chain, JitMap *jit_map, int pid)
{
	std::string frames;

	if (jit_map && std::ranges::any_of(chain.frames, is_compiled_at_run_time))
		jit_map->refresh(pid);
	for (const Frame &each : chain.frames)
		frames += (frames.empty() ? "" : ",") + render_frame(each, jit_map);
	return "{\"id\":" + std::to_string(id) + member("end", quoted(chain.end)) +
	       member("frames", "[" + frames + "]") + "}\n";
}

} // namespace forktax
