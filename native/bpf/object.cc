// SPDX-License-Identifier: MIT
#include "log.h"
#include "object.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace forktax
{

namespace
{

void add_fields(const struct btf *btf, uint32_t type_id, const std::string &prefix, uint32_t base, Layout *ret)
{
	const struct btf_type *type = btf__type_by_id(btf, type_id);
	const struct btf_member *member = btf_members(type);

	for (uint16_t i = 0; i < btf_vlen(type); i++, member++) {
		std::string name = prefix + btf__name_by_offset(btf, member->name_off);
		uint32_t offset = base + btf_member_bit_offset(type, i) / 8;
		int inner = btf__resolve_type(btf, member->type);
		int64_t size = btf__resolve_size(btf, member->type);

		ret->fields.push_back({name, offset, static_cast<uint32_t>(size)});
		if (inner > 0 && btf_is_struct(btf__type_by_id(btf, inner)))
			add_fields(btf, inner, name + ".", offset, ret);
	}
}

void add_variables(const struct btf *btf, uint32_t section_id, Layout *ret)
{
	const struct btf_type *section = btf__type_by_id(btf, section_id);
	const struct btf_var_secinfo *info = btf_var_secinfos(section);

	for (uint16_t i = 0; i < btf_vlen(section); i++, info++) {
		const struct btf_type *variable = btf__type_by_id(btf, info->type);
		ret->fields.push_back({btf__name_by_offset(btf, variable->name_off), info->offset, info->size});
	}
}

} // namespace

Object::~Object()
{
	close();
}

void Object::close()
{
	for (auto &[name, ring] : rings_)
		ring_buffer__free(ring.buffer);
	rings_.clear();
	for (struct bpf_link *link : links_)
		bpf_link__destroy(link);
	links_.clear();
	for (struct bpf_link *link : pinned_links_) {
		/* Otherwise libbpf would switch the tracepoint's event off. The descriptor of that event stays open. */
		int fd = bpf_link__fd(link);
		bpf_link__disconnect(link);
		bpf_link__destroy(link);
		::close(fd);
	}
	pinned_links_.clear();
	for (const Section &section : sections_)
		munmap(section.data, section.size);
	sections_.clear();
	bpf_object__close(object_);
	object_ = nullptr;
	loaded_ = false;
}

Failure Object::open(const std::string &path)
{
	begin_log();
	object_ = bpf_object__open_file(path.c_str(), nullptr);
	return object_ ? Failure{} : failure(errno, "cannot open the BPF object " + path);
}

struct bpf_program *Object::program(const std::string &name) const
{
	return object_ ? bpf_object__find_program_by_name(object_, name.c_str()) : nullptr;
}

struct bpf_map *Object::map(const std::string &name) const
{
	return object_ ? bpf_object__find_map_by_name(object_, name.c_str()) : nullptr;
}

std::vector<std::string> Object::program_names() const
{
	std::vector<std::string> names;
	struct bpf_program *each;

	if (object_)
		bpf_object__for_each_program(each, object_) names.emplace_back(bpf_program__name(each));
	return names;
}

Failure Object::set_autoload(const std::string &name, bool wanted)
{
	struct bpf_program *found = program(name);
	int error = found ? bpf_program__set_autoload(found, wanted) : ENOENT;

	return error ? failure(error, "no program " + name + " to load") : Failure{};
}

Failure Object::set_attach_target(const std::string &name, const std::string &function)
{
	struct bpf_program *found = program(name);

	begin_log();
	int error = found ? bpf_program__set_attach_target(found, 0, function.c_str()) : ENOENT;
	return error ? failure(error, "cannot aim " + name + " at " + function) : Failure{};
}

Failure Object::set_max_entries(const std::string &name, uint32_t entries)
{
	struct bpf_map *found = map(name);
	int error = found ? bpf_map__set_max_entries(found, entries) : ENOENT;

	return error ? failure(error, "cannot size the map " + name) : Failure{};
}

Failure Object::set_map_folder(const std::string &folder)
{
	struct bpf_map *each;

	bpf_object__for_each_map(each, object_)
	{
		std::string name = bpf_map__name(each);

		if (name.ends_with(".rodata"))
			continue;
		/* Names with dots are reserved there. */
		name = name.substr(name.rfind('.') + 1);
		int error = bpf_map__set_pin_path(each, (folder + "/" + name).c_str());
		if (error)
			return failure(error, "cannot keep the map " + name + " in " + folder);
	}
	return {};
}

Failure Object::layout(const std::string &name, Layout *ret) const
{
	const struct btf *btf = object_ ? bpf_object__btf(object_) : nullptr;
	bool is_section = name.starts_with(".");
	int id = btf ? btf__find_by_name_kind(btf, name.c_str(), is_section ? BTF_KIND_DATASEC : BTF_KIND_STRUCT) : -1;

	if (id < 0)
		return failure(ENOENT, "no struct or section " + name);
	ret->size = btf__type_by_id(btf, id)->size;
	if (is_section)
		add_variables(btf, id, ret);
	else
		add_fields(btf, id, "", 0, ret);
	return {};
}

Failure Object::load()
{
	begin_log();
	int error = bpf_object__load(object_);
	if (error)
		return failure(error, "the kernel refused the probes");
	loaded_ = true;
	/* While libbpf loads, it holds all of the kernel's types. Afterwards this returns the freed 10 MB to the system. */
#ifdef __GLIBC__
	malloc_trim(0);
#endif
	return map_sections();
}

Failure Object::attach(const std::string &name)
{
	struct bpf_program *found = program(name);

	if (!loaded_ || !found)
		return failure(ENOENT, "no program " + name);
	begin_log();
	struct bpf_link *link = bpf_program__attach(found);
	if (!link)
		return failure(errno, "cannot attach " + name);
	links_.push_back(link);
	return {};
}

Failure Object::attach_pinned(const std::string &name, const std::string &path)
{
	Failure result = attach(name);

	if (!result.ok())
		return result;
	begin_log();
	int error = bpf_link__pin(links_.back(), path.c_str());
	if (error) {
		bpf_link__destroy(links_.back());
		links_.pop_back();
		return failure(error, "cannot pin " + name + " at " + path);
	}
	pinned_links_.push_back(links_.back());
	links_.pop_back();
	return {};
}

Failure Object::run_program(const std::string &name, int cpu)
{
	struct bpf_program *found = program(name);
	LIBBPF_OPTS(bpf_test_run_opts, options);

	if (!loaded_ || !found)
		return failure(ENOENT, "no program " + name);
	if (cpu >= 0) {
		options.flags = BPF_F_TEST_RUN_ON_CPU;
		options.cpu = static_cast<uint32_t>(cpu);
	}
	int error = bpf_prog_test_run_opts(bpf_program__fd(found), &options);
	return error ? failure(error, "cannot run " + name) : Failure{};
}

Failure Object::program_stats(std::vector<ProgramStats> *ret) const
{
	struct bpf_program *each;

	if (!loaded_)
		return failure(EBADF, "not loaded");
	bpf_object__for_each_program(each, object_)
	{
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_program__fd(each) < 0)
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(each), &info, &size) != 0)
			return failure(errno,
				       std::string("cannot ask for the statistics of ") + bpf_program__name(each));
		ret->push_back({bpf_program__name(each), info.run_cnt, info.run_time_ns, info.recursion_misses});
	}
	return {};
}

bool kernel_btf_has(const std::string &kind, const std::string &name)
{
	uint32_t wanted = kind == "func"      ? BTF_KIND_FUNC
			  : kind == "typedef" ? BTF_KIND_TYPEDEF
			  : kind == "var"     ? BTF_KIND_VAR
					      : BTF_KIND_STRUCT;

	begin_log();
	struct btf *btf = btf__load_vmlinux_btf();
	bool found = btf && btf__find_by_name_kind(btf, name.c_str(), wanted) > 0;
	btf__free(btf);
	return found;
}

} // namespace forktax
