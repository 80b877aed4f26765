/* SPDX-License-Identifier: MIT */
/*
 * What the kernel will make of a program file: the two formats that nearly all have, as fs/binfmt_elf.c and
 * fs/binfmt_script.c read them, where they leave no doubt. All else is unknown, which costs only speed.
 */
#include "preload.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
	HEAD_BYTES = 256,   /* BINPRM_BUF_SIZE: all that the kernel reads at first */
	MOST_SEGMENTS = 64, /* 4096 bytes of program headers at most (elf_read_phdrs), and our stack is small */
};

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#else
#define NATIVE_MACHINE EM_AARCH64
#endif

static bool read_at(int fd, void *to, size_t size, uint64_t offset)
{
	return raw(SYS_pread64, fd, to, size, offset) == (long)size;
}

/* "#!" [blanks] path [blanks argument] newline, all of it within the head. */
static enum format read_script(struct known *known, const char *head, size_t size)
{
	const char *end = memchr(head, '\n', size);
	const char *path = head + 2;
	if (!end)
		return FORMAT_UNKNOWN;
	while (path < end && (*path == ' ' || *path == '\t'))
		path++;
	size_t length = 0;
	while (path + length < end && path[length] != ' ' && path[length] != '\t' && path[length])
		length++;
	if (length == 0 || path[0] != '/' || length >= sizeof known->interpreter)
		return FORMAT_UNKNOWN;
	memcpy(known->interpreter, path, length);
	known->interpreter[length] = 0;
	return FORMAT_SCRIPT;
}

static bool read_interpreter(struct known *known, int fd, const Elf64_Phdr *segment)
{
	size_t size = segment->p_filesz;
	if (size < 2 || size > sizeof known->interpreter || !read_at(fd, known->interpreter, size, segment->p_offset))
		return false;
	return known->interpreter[0] == '/' && memchr(known->interpreter, 0, size) == known->interpreter + size - 1;
}

static bool is_native(const Elf64_Ehdr *head)
{
	return head->e_ident[EI_CLASS] == ELFCLASS64 && head->e_ident[EI_DATA] == ELFDATA2LSB &&
	       head->e_machine == NATIVE_MACHINE && (head->e_type == ET_EXEC || head->e_type == ET_DYN) &&
	       head->e_phentsize == sizeof(Elf64_Phdr) && head->e_phnum > 0 && head->e_phnum <= MOST_SEGMENTS;
}

static enum format read_elf(struct known *known, int fd, const Elf64_Ehdr *head)
{
	bool loadable = false;
	if (!is_native(head))
		return FORMAT_UNKNOWN;
	for (unsigned i = 0; i < head->e_phnum; i++) {
		Elf64_Phdr segment;
		if (!read_at(fd, &segment, sizeof segment, head->e_phoff + i * sizeof segment))
			return FORMAT_UNKNOWN;
		loadable = loadable || segment.p_type == PT_LOAD;
		if (segment.p_type == PT_INTERP && (known->interpreter[0] || !read_interpreter(known, fd, &segment)))
			return FORMAT_UNKNOWN;
	}
	return loadable ? FORMAT_ELF : FORMAT_UNKNOWN;
}

/* Capabilities that the caller's bounding set lacks make exec fail (EPERM). */
static bool has_capabilities(int fd)
{
	return raw(SYS_fgetxattr, fd, "security.capability", 0, 0) > 0;
}

static enum format read_open(struct known *known, int fd)
{
	union {
		char bytes[HEAD_BYTES];
		Elf64_Ehdr elf;
	} head;
	struct stat file;
	long size = raw(SYS_pread64, fd, head.bytes, sizeof head, 0);
	if (raw(SYS_fstat, fd, &file) < 0 || size < 2)
		return FORMAT_UNKNOWN;
	struct identity identity = identity_of(&file);
	if (!identity_equal(&identity, &known->identity) || has_capabilities(fd))
		return FORMAT_UNKNOWN;
	if (head.bytes[0] == '#' && head.bytes[1] == '!')
		return read_script(known, head.bytes, (size_t)size);
	if ((size_t)size >= sizeof head.elf && !memcmp(head.elf.e_ident, ELFMAG, SELFMAG))
		return read_elf(known, fd, &head.elf);
	return FORMAT_UNKNOWN;
}

bool format_read(struct known *known, int directory, const char *path)
{
	known->format = FORMAT_UNKNOWN;
	long fd = raw(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fd == -EACCES;
	known->format = read_open(known, (int)fd);
	raw(SYS_close, fd);
	return true;
}
