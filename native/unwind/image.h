/* SPDX-License-Identifier: MIT */
/* One ELF file that processes have mapped: how to unwind its code, and what its addresses are called. */
#pragma once

#include "symbol.h"

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <sys/types.h>

namespace forktax
{

/* A file that is never parsed is larger than this. Chromium with its symbols has 700 MB. */
constexpr off_t MAX_IMAGE_BYTES = off_t{1} << 30;

class Image
{
      public:
	/*
	 * Takes over the descriptor. `path` is where the debuginfo of the file is looked for. Only the header is read
	 * here; what is damaged or not of this processor has neither unwind information nor names.
	 */
	Image(int fd, off_t bytes, std::string path);
	Image(const Image &) = delete;
	Image &operator=(const Image &) = delete;
	~Image();

	/* What the ELF file numbers the byte at this offset of the file, as addr2line takes it. False: no code is there. */
	bool address_of(uint64_t file_offset, uint64_t *ret) const;
	/* Reads code from the file. False: there is none. */
	bool read_code(uint64_t address, size_t size, uint8_t *ret) const;
	/* Whether the file is of a 32-bit program. */
	bool is_32_bit() const
	{
		return is_32_bit_;
	}
	/* Whether the code of the program's entry point, to which no call returns, has this address. */
	bool is_entry(uint64_t address) const
	{
		return readable_ && address - entry_ < MAX_ENTRY_BYTES;
	}
	off_t bytes() const
	{
		return bytes_;
	}

	/* The unwind information of an address; null if there is none. To be freed with free(3). */
	Dwarf_Frame *frame_at(uint64_t address);
	/* The names of an address, innermost first; empty if it has none. The reference is good until the next call. */
	const std::vector<Symbol> &symbols_at(uint64_t address);
	/* In hexadecimal; empty if there is none. */
	const std::string &build_id();

      private:
	struct Segment {
		uint64_t file_offset, address, file_bytes;
	};
	/* glibc's _start has 34 to 56 bytes. */
	static constexpr uint64_t MAX_ENTRY_BYTES = 64;
	bool read_segments();
	/* Gives the file to libdw, the first time it is needed. Null: libdw cannot read it. */
	Dwfl_Module *module();

	int fd_;
	off_t bytes_;
	std::string path_;
	std::vector<Segment> code_;
	uint64_t entry_ = 0;
	bool is_32_bit_ = false;
	bool readable_ = false;
	bool opened_ = false;
	Dwfl *dwfl_ = nullptr;
	Dwfl_Module *module_ = nullptr;
	std::string build_id_;
	std::unordered_map<uint64_t, std::vector<Symbol>> symbols_;
};

} // namespace forktax
