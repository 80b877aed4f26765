// SPDX-License-Identifier: MIT
#include "object.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace forktax
{

namespace
{

/* libbpf has one print function for the process; each thread collects what its own calls cause. */
thread_local std::string libbpf_log;
constexpr size_t LOG_LIMIT = 256 * 1024; /* a verifier's log can be endless; its end matters, but so does its start */

int collect_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[4096];

	if (level == LIBBPF_DEBUG || libbpf_log.size() > LOG_LIMIT)
		return 0;
	va_list measured;
	va_copy(measured, arguments);
	int length = vsnprintf(line, sizeof(line), format, arguments);
	if (length >= static_cast<int>(sizeof(line))) {
		std::string text(static_cast<size_t>(length) + 1, '\0');
		vsnprintf(text.data(), text.size(), format, measured);
		libbpf_log.append(text.c_str());
	} else if (length > 0) {
		libbpf_log.append(line);
	}
	va_end(measured);
	return 0;
}

void begin_log()
{
	libbpf_set_print(collect_log);
	libbpf_log.clear();
}

Failure failure(int error, std::string what)
{
	Failure result;
	result.error = error < 0 ? -error : error;
	result.what = std::move(what);
	result.log = std::move(libbpf_log);
	libbpf_log.clear();
	return result;
}

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

} // namespace

Object::~Object()
{
	close();
}

void Object::close()
{
	ring_buffer__free(ring_);
	ring_ = nullptr;
	for (struct bpf_link *link : links_)
		bpf_link__destroy(link);
	links_.clear();
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

Failure Object::find_variable(const std::string &name, Variable *ret) const
{
	const struct btf *btf = object_ ? bpf_object__btf(object_) : nullptr;

	for (const char *section : {".rodata", ".bss", ".data"}) {
		int section_id = btf ? btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC) : -1;
		if (section_id < 0)
			continue;
		const struct btf_type *type = btf__type_by_id(btf, section_id);
		const struct btf_var_secinfo *info = btf_var_secinfos(type);
		for (uint16_t i = 0; i < btf_vlen(type); i++, info++) {
			const struct btf_type *variable = btf__type_by_id(btf, info->type);
			if (name != btf__name_by_offset(btf, variable->name_off))
				continue;
			struct bpf_map *each;
			bpf_object__for_each_map(each, object_)
			{
				const std::string map_name = bpf_map__name(each);
				if (map_name.size() >= strlen(section) && map_name.ends_with(section)) {
					*ret = {each, info->offset, info->size};
					return {};
				}
			}
		}
	}
	return failure(ENOENT, "no global variable " + name);
}

Failure Object::set_rodata(const std::string &name, const void *bytes, size_t size)
{
	if (loaded_)
		return failure(EBUSY, "constants are set before loading");
	return write_global(name, bytes, size);
}

Failure Object::locate(const std::string &name, size_t size, uint8_t **ret_data) const
{
	Variable variable;
	Failure result = find_variable(name, &variable);

	if (!result.ok())
		return result;
	size_t section_size = 0;
	/* const before libbpf 1.2, though meant to be written */
	auto *data = const_cast<uint8_t *>(
		static_cast<const uint8_t *>(bpf_map__initial_value(variable.map, &section_size)));
	for (const Section &section : sections_) {
		if (section.map == variable.map) {
			data = section.data;
			section_size = section.size;
		}
	}
	if (!data || size != variable.size || variable.offset + size > section_size)
		return failure(EINVAL, "the variable " + name + " has " + std::to_string(variable.size) + " bytes");
	*ret_data = data + variable.offset;
	return {};
}

Failure Object::write_global(const std::string &name, const void *bytes, size_t size)
{
	uint8_t *data = nullptr;
	Failure result = locate(name, size, &data);

	if (result.ok())
		memcpy(data, bytes, size);
	return result;
}

Failure Object::read_global(const std::string &name, void *bytes, size_t size) const
{
	uint8_t *data = nullptr;
	Failure result = locate(name, size, &data);

	if (result.ok())
		memcpy(bytes, data, size);
	return result;
}

Failure Object::layout(const std::string &name, Layout *ret) const
{
	const struct btf *btf = object_ ? bpf_object__btf(object_) : nullptr;
	int id = btf ? btf__find_by_name_kind(btf, name.c_str(), BTF_KIND_STRUCT) : -1;

	if (id < 0)
		return failure(ENOENT, "no struct " + name);
	ret->size = btf__type_by_id(btf, id)->size;
	add_fields(btf, id, "", 0, ret);
	return {};
}

/* What libbpf keeps is the initial value; only skeletons, and libbpf since 1.5, map the kernel's own memory there. */
Failure Object::map_sections()
{
	struct bpf_map *each;

	bpf_object__for_each_map(each, object_)
	{
		size_t size = 0;
		const std::string name = bpf_map__name(each);

		if (!bpf_map__is_internal(each) || name.ends_with(".rodata") || !bpf_map__initial_value(each, &size))
			continue;
		void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(each), 0);
		if (data == MAP_FAILED)
			return failure(errno, "cannot see the variables in " + name);
		sections_.push_back({each, static_cast<uint8_t *>(data), size});
	}
	return {};
}

Failure Object::load()
{
	begin_log();
	int error = bpf_object__load(object_);
	if (error)
		return failure(error, "the kernel refused the probes");
	loaded_ = true;
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

int Object::map_fd(const std::string &name) const
{
	struct bpf_map *found = map(name);
	return loaded_ && found ? bpf_map__fd(found) : -1;
}

int Object::take_record(void *context, void *record, size_t size)
{
	auto *drain = static_cast<Drain *>(context);

	memcpy(drain->bytes + drain->size, record, size);
	drain->size += size;
	/* Stop, with this record consumed, while another of its size still fits. */
	return drain->capacity - drain->size < size ? -ENOBUFS : 0;
}

Failure Object::open_ring(const std::string &name)
{
	struct bpf_map *found = map(name);

	begin_log();
	ring_ = loaded_ && found && !ring_ ? ring_buffer__new(bpf_map__fd(found), take_record, &drain_, nullptr)
					   : nullptr;
	return ring_ ? Failure{} : failure(errno ? errno : EINVAL, "cannot open the ring " + name);
}

Failure Object::drain_ring(uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	*ret_size = 0;
	if (!ring_)
		return failure(EBADF, "the ring is not open");
	drain_ = {bytes, capacity, 0};
	int result = ring_buffer__consume(ring_);
	*ret_size = drain_.size;
	return result < 0 && result != -ENOBUFS ? failure(result, "cannot read the ring") : Failure{};
}

uint32_t Object::key_size(const std::string &name) const
{
	struct bpf_map *found = map(name);
	return found ? bpf_map__key_size(found) : 0;
}

uint32_t Object::value_size(const std::string &name) const
{
	struct bpf_map *found = map(name);
	return found ? bpf_map__value_size(found) : 0;
}

Failure Object::read_map(const std::string &name, void *keys, void *values, uint32_t capacity,
			 uint32_t *ret_entries) const
{
	struct bpf_map *found = map(name);
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint64_t position[8] = {}; /* opaque; the kernel writes 4 bytes for hashes and arrays */
	bool started = false;

	*ret_entries = 0;
	if (!loaded_ || !found)
		return failure(ENOENT, "no map " + name);
	while (*ret_entries < capacity) {
		uint32_t count = capacity - *ret_entries;
		int result = bpf_map_lookup_batch(
			bpf_map__fd(found), started ? position : nullptr, position,
			static_cast<uint8_t *>(keys) + size_t{*ret_entries} * bpf_map__key_size(found),
			static_cast<uint8_t *>(values) + size_t{*ret_entries} * bpf_map__value_size(found), &count,
			&options);
		if (result == 0 || errno == ENOENT)
			*ret_entries += count;
		if (result != 0)
			return errno == ENOENT ? Failure{} : failure(errno, "cannot read the map " + name);
		started = true;
	}
	return {};
}

Failure Object::take_entry(const std::string &name, const void *key, void *value)
{
	struct bpf_map *found = map(name);

	if (!loaded_ || !found)
		return failure(ENOENT, "no map " + name);
	if (bpf_map_lookup_and_delete_elem(bpf_map__fd(found), key, value) != 0)
		return failure(errno, "cannot take an entry from " + name);
	return {};
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
