/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MOST_PROGRAMS 32

struct program {
	char name[64];
	char target[64];
	struct bpf_link *link;
};

static struct bpf_object *object;
static struct program programs[MOST_PROGRAMS];
static int count;

static void read_plan(const char *way)
{
	FILE *plan = fopen("/plan", "r");
	char line[160], name[64];
	bool wanted = false;

	if (!plan)
		err(1, "/plan");
	count = 0;
	while (fgets(line, sizeof(line), plan)) {
		struct program *next = &programs[count];

		if (sscanf(line, "way %63s", name) == 1)
			wanted = strcmp(name, way) == 0;
		*next = (struct program){.link = NULL};
		if (wanted && sscanf(line, "program %63s %63s", next->name, next->target) >= 1 &&
		    ++count == MOST_PROGRAMS)
			errx(1, "too many programs");
	}
	fclose(plan);
}

/* Gives the place of a variable in the values of its map, whose name ends in `section`. */
static void *variable(const char *section, const char *name)
{
	const struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *datasec = id < 0 ? NULL : btf__type_by_id(btf, id);
	const struct btf_var_secinfo *info = datasec ? btf_var_secinfos(datasec) : NULL;
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map(map, object)
	{
		const char *at = strstr(bpf_map__name(map), section);

		if (!at || strcmp(at, section) != 0)
			continue;
		for (int i = 0; datasec && i < btf_vlen(datasec); i++, info++) {
			const struct btf_type *var = btf__type_by_id(btf, info->type);

			if (strcmp(btf__name_by_offset(btf, var->name_off), name) == 0)
				return (char *)bpf_map__initial_value(map, &size) + info->offset;
		}
	}
	errx(1, "the probes have no variable %s in %s", name, section);
}

static void set_constants(void)
{
	DIR *folder = opendir("/rodata");
	struct dirent *entry;
	char path[300];

	if (!folder)
		err(1, "/rodata");
	while ((entry = readdir(folder))) {
		FILE *file;
		size_t length;
		char bytes[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/rodata/%s", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			err(1, "%s", path);
		length = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
		memcpy(variable(".rodata", entry->d_name), bytes, length);
	}
	closedir(folder);
}

static const struct program *planned(const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(programs[i].name, name) == 0)
			return &programs[i];
	return NULL;
}

static void run_once(const char *name)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	if (bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, name)), &options) != 0)
		err(1, "%s", name);
}

/* So that the memory of children is read as exactly, and at the same cost, as by the engine. */
static void learn_per_cpu_offsets(void)
{
	*(__u32 *)variable(".bss", "anchor_fd") = bpf_object__find_map_fd_by_name(object, "anchor");
	run_once("learn_anchor_pointer");
	run_once("learn_anchor_address");
}

void watch(const char *way)
{
	struct bpf_program *program;

	read_plan(way);
	object = bpf_object__open_file("/spawn.bpf.o", NULL);
	if (!object)
		err(1, "/spawn.bpf.o");
	bpf_object__for_each_program(program, object)
	{
		const char *name = bpf_program__name(program);
		const struct program *plan = planned(name);

		bpf_program__set_autoload(program, plan || strncmp(name, "learn_anchor", strlen("learn_anchor")) == 0);
		if (plan && plan->target[0] && bpf_program__set_attach_target(program, 0, plan->target) != 0)
			errx(1, "%s: no %s", name, plan->target);
	}
	set_constants();
	if (bpf_object__load(object) != 0)
		errx(1, "the kernel refuses the probes for %s", way);
	learn_per_cpu_offsets();
	for (int i = 0; i < count; i++) {
		programs[i].link = bpf_program__attach(bpf_object__find_program_by_name(object, programs[i].name));
		if (!programs[i].link)
			err(1, "%s", programs[i].name);
	}
}

void unwatch(void)
{
	for (int i = 0; i < count; i++)
		bpf_link__destroy(programs[i].link);
	bpf_object__close(object);
}
