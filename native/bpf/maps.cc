// SPDX-License-Identifier: MIT
/* The maps of an Object: tables, the ring buffer, and the sections of global variables. */
#include "log.h"
#include "object.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace forktax
{

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
	/* the type is const before libbpf 1.2, although the memory is meant to be written */
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

/* libbpf keeps the initial values only. Skeletons, and libbpf since 1.5, map the kernel's memory there. */
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

int Object::map_fd(const std::string &name) const
{
	struct bpf_map *found = map(name);
	return loaded_ && found ? bpf_map__fd(found) : -1;
}

int Object::take_record(void *context, void *record, size_t size)
{
	auto *drain = static_cast<Drain *>(context);

	if (size > drain->capacity - drain->size)
		return -EMSGSIZE;
	memcpy(drain->bytes + drain->size, record, size);
	drain->size += size;
	/* libbpf has removed this record whatever is returned, so it stops before one that may not fit. */
	return drain->capacity - drain->size < drain->largest_record ? -ENOBUFS : 0;
}

Failure Object::open_ring(const std::string &name, size_t largest_record)
{
	struct bpf_map *found = map(name);

	begin_log();
	if (!loaded_ || !found || rings_.contains(name))
		return failure(EINVAL, "cannot open the ring " + name);
	struct ring_buffer *ring = ring_buffer__new(bpf_map__fd(found), take_record, &drain_, nullptr);
	if (!ring)
		return failure(errno ? errno : EINVAL, "cannot open the ring " + name);
	rings_[name] = {ring, largest_record};
	return {};
}

Failure Object::drain_ring(const std::string &name, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	auto ring = rings_.find(name);

	*ret_size = 0;
	if (ring == rings_.end())
		return failure(EBADF, "the ring " + name + " is not open");
	drain_ = {bytes, capacity, 0, ring->second.largest_record};
	int result = ring_buffer__consume(ring->second.buffer);
	*ret_size = drain_.size;
	return result < 0 && result != -ENOBUFS ? failure(result, "cannot read the ring " + name) : Failure{};
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

} // namespace forktax
