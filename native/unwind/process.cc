// SPDX-License-Identifier: MIT
#include "process.h"

#include "files.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace forktax
{

namespace
{

constexpr size_t MAX_MAPS_BYTES = size_t{16} << 20;
constexpr size_t MAX_MAPPINGS = 65536;
constexpr size_t MAX_IMAGES = 512;
constexpr off_t MAX_IMAGES_BYTES = off_t{1} << 30;

struct Line {
	uint64_t start, end, offset, inode;
	unsigned major_id, minor_id;
	bool executable;
	std::string name;
};

/* proc_pid_maps(5) */
bool parse_line(const char *text, size_t size, Line *ret)
{
	std::string line(text, size);
	char rights[5] = "";
	int name = 0;

	if (sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &ret->start, &ret->end,
		   rights, &ret->offset, &ret->major_id, &ret->minor_id, &ret->inode, &name) < 7)
		return false;
	ret->executable = rights[2] == 'x';
	ret->name = name ? line.substr(static_cast<size_t>(name)) : "";
	return ret->start < ret->end;
}

bool is_deleted(const std::string &name)
{
	return name.ends_with(" (deleted)");
}

std::string key_of(const struct stat &status)
{
	char key[128];

	snprintf(key, sizeof(key), "%ju:%ju:%jd:%jd.%ld", static_cast<uintmax_t>(status.st_dev),
		 static_cast<uintmax_t>(status.st_ino), static_cast<intmax_t>(status.st_size),
		 static_cast<intmax_t>(status.st_mtim.tv_sec), status.st_mtim.tv_nsec);
	return key;
}

/* Without RTTI, std::make_shared asks for the libstdc++ of GCC 9. Releases run with that of GCC 8. */
std::shared_ptr<Image> share_image(int fd, off_t bytes, const std::string &path)
{
	return std::shared_ptr<Image>(new Image(fd, bytes, path));
}

} // namespace

const Mapping *Maps::find(uint64_t address) const
{
	auto after = std::upper_bound(mappings.begin(), mappings.end(), address,
				      [](uint64_t wanted, const Mapping &each) { return wanted < each.start; });

	if (after == mappings.begin() || address >= std::prev(after)->end)
		return nullptr;
	return &*std::prev(after);
}

std::shared_ptr<Image> Images::open_mapped(int pid, const char *range, const std::string &root, const std::string &path,
					   bool deleted)
{
	struct stat status;

	/* This is the very file, whatever has become of its path. Only CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN may open it. */
	int fd = open_regular("/proc/" + std::to_string(pid) + "/map_files/" + range, &status);
	if (fd < 0 && !deleted)
		fd = open_regular(root + path, &status);
	/* Paths below /memfd: and other inventions are no paths. */
	return fd < 0 ? nullptr : share(fd, root + path);
}

std::shared_ptr<Image> Images::vdso()
{
	auto header = reinterpret_cast<const uint8_t *>(getauxval(AT_SYSINFO_EHDR));
	constexpr size_t bytes = 8192; /* more than it takes; what lies behind it may not be there */

	if (vdso_ || !header)
		return vdso_;
	int fd = memfd_create("vdso", MFD_CLOEXEC);
	ssize_t written = fd < 0 ? -1 : write(fd, header, bytes);
	if (written <= 0) {
		close(fd);
		return nullptr;
	}
	vdso_ = share_image(fd, written, "[vdso]");
	return vdso_;
}

std::shared_ptr<Image> Images::share(int fd, const std::string &path)
{
	struct stat status;

	if (fstat(fd, &status) != 0) {
		close(fd);
		return nullptr;
	}
	std::string key = key_of(status);
	auto known = by_key_.find(key);
	if (known != by_key_.end()) {
		close(fd);
		known_.splice(known_.begin(), known_, known->second);
		return known->second->image;
	}
	known_.push_front({key, share_image(fd, status.st_size, path)});
	by_key_[key] = known_.begin();
	bytes_ += status.st_size;
	while (known_.size() > 1 && (known_.size() > MAX_IMAGES || bytes_ > MAX_IMAGES_BYTES))
		forget_oldest();
	return known_.front().image;
}

void Images::forget_oldest()
{
	bytes_ -= known_.back().image->bytes();
	by_key_.erase(known_.back().key);
	known_.pop_back();
}

Process::Process(int pid, Images *images) : pid_(pid), images_(images)
{
}

void Process::inherit(const Process &parent)
{
	if (parent.now_)
		now_ = std::make_unique<Maps>(*parent.now_);
}

void Process::refresh(bool sees_same_files)
{
	std::string text = read_proc("/proc/" + std::to_string(pid_) + "/maps", MAX_MAPS_BYTES);
	uint64_t started = start_time(pid_);

	if (text.empty() || started == 0)
		return;
	if (started != start_time_) {
		now_.reset();
		before_.reset();
		jit_map_ = JitMap();
		start_time_ = started;
	}
	if (now_ && now_->text == text)
		return;
	/* By its own path, a file can also be opened when the process has just ended. */
	load(std::move(text), sees_same_files ? "" : "/proc/" + std::to_string(pid_) + "/root");
}

void Process::load(std::string text, const std::string &root)
{
	auto maps = std::make_unique<Maps>();
	size_t next;

	for (size_t at = 0; at < text.size() && maps->mappings.size() < MAX_MAPPINGS; at = next + 1) {
		Line line;
		char range[64];

		next = std::min(text.find('\n', at), text.size());
		if (!parse_line(text.data() + at, next - at, &line) || !line.executable)
			continue;
		snprintf(range, sizeof(range), "%" PRIx64 "-%" PRIx64, line.start, line.end);
		auto image = line.name == "[vdso]" ? images_->vdso()
			     : line.name[0] == '/'
				     ? images_->open_mapped(pid_, range, root, line.name, is_deleted(line.name))
				     : nullptr;
		maps->mappings.push_back({line.start, line.end, line.offset, line.name, image});
	}
	maps->text = std::move(text);
	before_ = std::move(now_);
	now_ = std::move(maps);
}

const Maps *Process::maps_with(uint64_t address) const
{
	if (now_ && (now_->find(address) || !before_ || !before_->find(address)))
		return now_.get();
	return before_.get();
}

Process *Processes::meet(int pid, int forked_from, const std::string &maps)
{
	auto known = by_pid_.find(pid);

	if (known != by_pid_.end()) {
		known_.splice(known_.begin(), known_, known->second);
		known_.front().process.refresh(!maps.empty());
		return &known_.front().process;
	}
	Process process(pid, &images_);
	process.refresh(!maps.empty());
	if (!process.known() && !maps.empty())
		process.load(maps, "");
	if (!process.known() && forked_from > 0) {
		Process *parent = meet(forked_from);
		if (parent)
			process.inherit(*parent);
	}
	if (!process.known())
		return nullptr;
	if (known_.size() >= capacity_)
		forget(known_.back().pid);
	known_.push_front({pid, std::move(process)});
	by_pid_[pid] = known_.begin();
	return &known_.front().process;
}

void Processes::forget(int pid)
{
	auto known = by_pid_.find(pid);

	if (known == by_pid_.end())
		return;
	known_.erase(known->second);
	by_pid_.erase(known);
}

} // namespace forktax
