// SPDX-License-Identifier: MIT
#include "image.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace forktax
{

namespace
{

constexpr size_t MAX_SEGMENTS = 256;
constexpr size_t MAX_REMEMBERED = 16384; /* addresses */

#if defined(__x86_64__)
constexpr uint16_t MACHINE = EM_X86_64;
#else
constexpr uint16_t MACHINE = EM_AARCH64;
#endif

bool read_at(int fd, uint64_t offset, void *bytes, size_t size)
{
	return pread(fd, bytes, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

char *debuginfo_path = nullptr; /* libdw's standard one: beside the file, in .debug, below /usr/lib/debug */

const Dwfl_Callbacks CALLBACKS = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
	.debuginfo_path = &debuginfo_path,
};

} // namespace

Image::Image(int fd, off_t bytes, std::string path) : fd_(fd), bytes_(bytes), path_(std::move(path))
{
	readable_ = bytes <= MAX_IMAGE_BYTES && read_segments();
}

Image::~Image()
{
	if (dwfl_)
		dwfl_end(dwfl_);
	close(fd_);
}

bool Image::read_segments()
{
	Elf64_Ehdr header;
	Elf64_Phdr segments[MAX_SEGMENTS];

	if (!read_at(fd_, 0, &header, sizeof(header)) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	is_32_bit_ = header.e_ident[EI_CLASS] == ELFCLASS32;
	entry_ = header.e_entry;
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_machine != MACHINE || (header.e_type != ET_EXEC && header.e_type != ET_DYN) ||
	    header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > MAX_SEGMENTS ||
	    !read_at(fd_, header.e_phoff, segments, header.e_phnum * sizeof(Elf64_Phdr)))
		return false;
	for (size_t i = 0; i < header.e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && (segments[i].p_flags & PF_X))
			code_.push_back({segments[i].p_offset, segments[i].p_vaddr, segments[i].p_filesz});
	return !code_.empty();
}

bool Image::address_of(uint64_t file_offset, uint64_t *ret) const
{
	for (const Segment &each : code_)
		if (file_offset - each.file_offset < each.file_bytes)
			return *ret = file_offset - each.file_offset + each.address, true;
	return false;
}

bool Image::read_code(uint64_t address, size_t size, uint8_t *ret) const
{
	for (const Segment &each : code_)
		if (address - each.address < each.file_bytes && each.file_bytes - (address - each.address) >= size)
			return read_at(fd_, each.file_offset + (address - each.address), ret, size);
	return false;
}

Dwfl_Module *Image::module()
{
	if (opened_ || !readable_)
		return module_;
	opened_ = true;
	int fd = dup(fd_); /* libdw closes the one that it gets */
	dwfl_ = fd < 0 ? nullptr : dwfl_begin(&CALLBACKS);
	if (!dwfl_)
		return nullptr;
	dwfl_report_begin(dwfl_);
	/* At address 0 plus its own: then libdw's addresses are the file's. */
	module_ = dwfl_report_elf(dwfl_, path_.c_str(), path_.c_str(), fd, 0, true);
	if (!module_)
		close(fd);
	dwfl_report_end(dwfl_, nullptr, nullptr);
	return module_;
}

Dwarf_Frame *Image::frame_at(uint64_t address)
{
	Dwarf_Frame *frame = nullptr;
	Dwarf_Addr bias = 0;
	Dwfl_Module *found = module();

	if (!found)
		return nullptr;
	Dwarf_CFI *eh = dwfl_module_eh_cfi(found, &bias);
	if (eh && dwarf_cfi_addrframe(eh, address - bias, &frame) == 0)
		return frame;
	Dwarf_CFI *debug = dwfl_module_dwarf_cfi(found, &bias);
	if (debug && dwarf_cfi_addrframe(debug, address - bias, &frame) == 0)
		return frame;
	return nullptr;
}

const std::vector<Symbol> &Image::symbols_at(uint64_t address)
{
	static const std::vector<Symbol> none;
	Dwfl_Module *found = module();

	if (!found)
		return none;
	auto known = symbols_.find(address);
	if (known != symbols_.end())
		return known->second;
	if (symbols_.size() == MAX_REMEMBERED)
		symbols_.clear();
	return symbols_[address] = find_symbols(found, address);
}

const std::string &Image::build_id()
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = nullptr;
	GElf_Addr address;
	Dwfl_Module *found = module();
	int size = found && build_id_.empty() ? dwfl_module_build_id(found, &bytes, &address) : 0;

	for (int i = 0; i < std::min(size, 64); i++) {
		build_id_ += digits[bytes[i] >> 4];
		build_id_ += digits[bytes[i] & 15];
	}
	return build_id_;
}

} // namespace forktax
