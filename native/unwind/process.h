/* SPDX-License-Identifier: MIT */
/* What a process has mapped, remembered for when it has ended. */
#pragma once

#include "image.h"
#include "jit-map.h"

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace forktax
{

struct Mapping {
	uint64_t start, end, file_offset;
	std::string name; /* the path in the mount namespace of the process, or a name in brackets, or empty */
	std::shared_ptr<Image> image; /* null: not of a file, or the file cannot be opened */
};

/* The executable mappings of a process, by address. */
class Maps
{
      public:
	/* The mapping that has this address; null if there is none. */
	const Mapping *find(uint64_t address) const;

	std::vector<Mapping> mappings;
	std::string text; /* the lines that they were made from */
};

/* Opens each file once, whatever processes map it. */
class Images
{
      public:
	/* Opens what a process maps: `line` is a whole line of its maps. Null: it cannot be opened, or is no regular file. */
	std::shared_ptr<Image> open_mapped(int pid, const char *range, const std::string &root, const std::string &path,
					   bool deleted);
	/* The vdso, which is that of this process too. */
	std::shared_ptr<Image> vdso();

      private:
	std::shared_ptr<Image> share(int fd, const std::string &path);
	void forget_oldest();

	struct Known {
		std::string key;
		std::shared_ptr<Image> image;
	};
	std::list<Known> known_; /* the last used first */
	std::unordered_map<std::string, std::list<Known>::iterator> by_key_;
	off_t bytes_ = 0;
	std::shared_ptr<Image> vdso_;
};

class Process
{
      public:
	Process(int pid, Images *images);

	/* Both are for a process that ended before its maps were read: those of the one that it was forked from, or a text of proc. */
	void inherit(const Process &parent);
	void load(std::string text, const std::string &root);
	/* Reads the maps anew if the process still runs; otherwise what was read before stays. `sees_same_files`: as this process does. */
	void refresh(bool sees_same_files);
	/* What was mapped when this address was executed: now, or before the last exec(). Null: that is not known. */
	const Maps *maps_with(uint64_t address) const;
	/* Whether its maps were ever read. */
	bool known() const
	{
		return now_ != nullptr;
	}
	JitMap &jit_map()
	{
		return jit_map_;
	}

      private:
	int pid_;
	Images *images_;
	uint64_t start_time_ = 0;
	std::unique_ptr<Maps> now_, before_;
	JitMap jit_map_;
};

/* The processes whose stacks were seen last. */
class Processes
{
      public:
	explicit Processes(size_t capacity) : capacity_(capacity)
	{
	}
	/*
	 * With its maps as they are now, if it still runs. If it ended before it was met: as `maps` has them, which another read
	 * from a process that sees the files of this one; or those of the process that it was forked from, unless that is 0.
	 * Null: they are not known either.
	 */
	Process *meet(int pid, int forked_from = 0, const std::string &maps = "");
	void forget(int pid);

      private:
	struct Known {
		int pid;
		Process process;
	};
	size_t capacity_;
	Images images_;
	std::list<Known> known_; /* the last used first */
	std::unordered_map<int, std::list<Known>::iterator> by_pid_;
};

} // namespace forktax
