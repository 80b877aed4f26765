/* SPDX-License-Identifier: MIT */
/*
 * One BPF object from open to close, over libbpf. It does not depend on JavaScript. It is not thread-safe: each object
 * belongs to the thread that opened it. Several objects in several threads are fine.
 */
#pragma once

#include <bpf/libbpf.h>
#include <bpf/btf.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace forktax
{

/* An errno with libbpf's messages. `ok()` if nothing went wrong. */
struct Failure {
	int error = 0; /* positive errno */
	std::string what;
	std::string log; /* libbpf's messages, with the verifier's */

	bool ok() const
	{
		return error == 0;
	}
};

struct Field {
	std::string name;
	uint32_t offset;
	uint32_t size;
};

struct Layout {
	uint32_t size = 0;
	std::vector<Field> fields; /* also of nested structs, as outer.inner */
};

struct ProgramStats {
	std::string name;
	uint64_t runs;
	uint64_t run_ns;
	uint64_t missed;
};

class Object
{
      public:
	Object() = default;
	Object(const Object &) = delete;
	Object &operator=(const Object &) = delete;
	~Object();

	/* These come before load. */
	Failure open(const std::string &path);
	std::vector<std::string> program_names() const;
	Failure set_autoload(const std::string &program, bool wanted);
	Failure set_attach_target(const std::string &program, const std::string &function);
	Failure set_max_entries(const std::string &map, uint32_t entries);
	/*
	 * Keeps every map but the constants in this folder of a BPF filesystem: takes those that are there, and puts there
	 * those that are not.
	 */
	Failure set_map_folder(const std::string &folder);
	Failure set_rodata(const std::string &variable, const void *bytes, size_t size);
	/* Gives the fields of a struct, or of the variables in a section such as .bss. */
	Failure layout(const std::string &name, Layout *ret) const;

	Failure load();

	/* These come after load. */
	Failure attach(const std::string &program);
	/* The program stays attached, and runs, for as long as there is a file of this name. */
	Failure attach_pinned(const std::string &program, const std::string &path);
	/* Runs a raw_tp program once: on `cpu`, or in this thread if `cpu` is negative. */
	Failure run_program(const std::string &program, int cpu);
	/* Returns -1 if there is no such map or nothing is loaded. The object keeps the descriptor. */
	int map_fd(const std::string &map) const;
	/* `largest_record`: the largest size of its records, in bytes. */
	Failure open_ring(const std::string &map, size_t largest_record);
	Failure read_global(const std::string &variable, void *bytes, size_t size) const;
	Failure write_global(const std::string &variable, const void *bytes, size_t size);
	/* Reads up to `capacity` entries of a hash or array map. `ret_entries` is the number of entries read. */
	Failure read_map(const std::string &map, void *keys, void *values, uint32_t capacity,
			 uint32_t *ret_entries) const;
	/* Removes one entry of a hash map and returns its last value. ENOENT: there was no such entry. */
	Failure take_entry(const std::string &map, const void *key, void *value);
	/*
	 * Moves whole records from an open ring to `bytes`, until the ring is empty or the next record does not fit.
	 */
	Failure drain_ring(const std::string &map, uint8_t *bytes, size_t capacity, size_t *ret_size);
	Failure program_stats(std::vector<ProgramStats> *ret) const;
	uint32_t key_size(const std::string &map) const;
	uint32_t value_size(const std::string &map) const;
	bool loaded() const
	{
		return loaded_;
	}

	/* Detaches and frees everything. May be called again. */
	void close();

      private:
	struct Variable {
		struct bpf_map *map;
		uint32_t offset;
		uint32_t size;
	};
	/* The section of a map of global variables, as this process sees it after load. */
	struct Section {
		struct bpf_map *map;
		uint8_t *data;
		size_t size;
	};
	Failure find_variable(const std::string &name, Variable *ret) const;
	Failure locate(const std::string &name, size_t size, uint8_t **ret_data) const;
	Failure map_sections();
	struct bpf_program *program(const std::string &name) const;
	struct bpf_map *map(const std::string &name) const;

	struct bpf_object *object_ = nullptr;
	struct Ring {
		struct ring_buffer *buffer;
		size_t largest_record;
	};
	std::map<std::string, Ring> rings_;
	std::vector<struct bpf_link *> links_;
	std::vector<struct bpf_link *> pinned_links_;
	std::vector<Section> sections_;
	bool loaded_ = false;

	static int take_record(void *context, void *record, size_t size);
	struct Drain {
		uint8_t *bytes;
		size_t capacity;
		size_t size;
		size_t largest_record;
	} drain_ = {};
};

/* Whether the kernel's BTF has such a type: kind is "func", "typedef", "struct" or "var". */
bool kernel_btf_has(const std::string &kind, const std::string &name);

} // namespace forktax
