/* SPDX-License-Identifier: MIT */
/* Copies what afork_spawn() was asked for into the child's slot: the caller may change its own before the child reads. */
#include "plan.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* Copying stops at the first error. */
struct copier {
	struct slot *slot;
	int error;
};

static void *allocate(struct copier *copier, size_t size)
{
	void *memory = copier->error ? NULL : slot_allocate(copier->slot, size);
	if (!memory && !copier->error)
		copier->error = ENOMEM;
	return memory;
}

static void *copy_bytes(struct copier *copier, const void *from, size_t size)
{
	void *to = allocate(copier, size);
	if (to && size)
		memcpy(to, from, size);
	return to;
}

static const char *copy_string(struct copier *copier, const char *from)
{
	return copy_bytes(copier, from, strlen(from) + 1);
}

/* With `before` free elements in front, and a second NULL behind. */
static const char **copy_vector(struct copier *copier, const char *const *from, size_t before)
{
	size_t count = 0;
	while (from[count])
		count++;
	const char **to = allocate(copier, (before + count + 2) * sizeof *to);
	if (!to)
		return NULL;
	to += before;
	for (size_t i = 0; i < count; i++)
		to[i] = copy_string(copier, from[i]);
	to[count] = to[count + 1] = NULL;
	return to;
}

/* --- the program --- */

static const char *search_path(const struct afork_options *options)
{
	if (options->path)
		return options->path;
	for (const char *const *variable = options->envp; *variable; variable++)
		if (!strncmp(*variable, "PATH=", 5))
			return *variable + 5;
	return "/bin:/usr/bin"; /* as glibc's and musl's execvp() */
}

static const char *join(struct copier *copier, const char *directory, size_t length, const char *file)
{
	size_t file_size = strlen(file) + 1;
	char *joined = allocate(copier, length + 1 + file_size);
	if (!joined)
		return NULL;
	memcpy(joined, directory, length);
	if (length) /* an empty entry is the child's directory */
		joined[length++] = '/';
	memcpy(joined + length, file, file_size);
	return joined;
}

static const char *const *expand(struct copier *copier, const char *path, const char *file)
{
	size_t count = 1;
	for (const char *c = path; *c; c++)
		count += *c == ':';
	const char **candidates = allocate(copier, (count + 1) * sizeof *candidates);
	for (size_t i = 0; candidates && i < count; i++) {
		size_t length = strcspn(path, ":");
		candidates[i] = join(copier, path, length, file);
		path += length + 1;
	}
	if (candidates)
		candidates[count] = NULL;
	return candidates;
}

static const char *const *find_candidates(struct copier *copier, const struct afork_options *options)
{
	if (options->candidates)
		return copy_vector(copier, options->candidates, 0);
	const char *const only[] = {options->file, NULL};
	if (!(options->flags & AFORK_SEARCH_PATH) || strchr(options->file, '/') || !*options->file)
		return copy_vector(copier, only, 0);
	return expand(copier, search_path(options), options->file);
}

static void copy_program(struct copier *copier, struct plan *plan, const struct afork_options *options)
{
	const char *name = options->file ? options->file : options->candidates[0];
	const char *const name_only[] = {name, NULL};
	plan->options.candidates = find_candidates(copier, options);
	plan->argv = copy_vector(copier, options->argv ? options->argv : name_only, 1);
	plan->options.envp = copy_vector(copier, options->envp, 0);
	if (options->cwd)
		plan->options.cwd = copy_string(copier, options->cwd);
}

/* --- the rest --- */

static void copy_actions(struct copier *copier, struct plan *plan)
{
	size_t count = plan->options.action_count;
	struct afork_action *actions = copy_bytes(copier, plan->options.actions, count * sizeof *actions);
	for (size_t i = 0; actions && i < count; i++)
		if (actions[i].type == AFORK_OPEN || actions[i].type == AFORK_CHDIR)
			actions[i].path = copy_string(copier, actions[i].path);
	plan->options.actions = actions;
}

static void copy_lists(struct copier *copier, struct plan *plan)
{
	struct afork_options *options = &plan->options;
	plan->fd_map = copy_bytes(copier, options->fd_map, options->fd_map_count * sizeof *options->fd_map);
	options->fd_map = plan->fd_map;
	options->rlimits = copy_bytes(copier, options->rlimits, options->rlimit_count * sizeof *options->rlimits);
	options->groups = copy_bytes(copier, options->groups, options->group_count * sizeof *options->groups);
	copy_actions(copier, plan);
}

/* A caller compiled against an older header gives less: the rest is 0. One against a newer may only add zeros. */
static int read_options(struct afork_options *to, const struct afork_options *from)
{
	size_t size = from->size;
	if (size < offsetof(struct afork_options, cwd))
		return EINVAL;
	for (size_t i = sizeof *to; i < size; i++)
		if (((const char *)from)[i])
			return E2BIG;
	memset(to, 0, sizeof *to);
	memcpy(to, from, size < sizeof *to ? size : sizeof *to);
	if (!to->envp)
		to->envp = (const char *const *)environ;
	static const char *const empty[] = {NULL};
	if (!to->envp) /* after clearenv() */
		to->envp = empty;
	return 0;
}

static bool action_makes_sense(const struct afork_action *action)
{
	switch (action->type) {
	case AFORK_OPEN:
		return action->path && action->fd >= 0;
	case AFORK_CHDIR:
		return action->path;
	case AFORK_DUP2:
		return action->fd >= 0 && action->from >= 0;
	case AFORK_CLOSE:
	case AFORK_FCHDIR:
	case AFORK_CLOSEFROM:
	case AFORK_TCSETPGRP:
	case AFORK_SETCTTY:
		return action->fd >= 0;
	}
	return false;
}

static bool makes_sense(const struct afork_options *options)
{
	if (!options->file && !(options->candidates && options->candidates[0]))
		return false;
	const bool may_ring_late = options->flags & AFORK_DEFER_FDS && !(options->flags & AFORK_ONLY_GIVEN);
	if (may_ring_late && options->flags & AFORK_DOORBELL)
		return false;
	if (options->flags & ~(AFORK_FILE_FD * 2 - 1) || options->mechanism > AFORK_FORK)
		return false;
	for (size_t i = 0; i < options->action_count; i++)
		if (!action_makes_sense(&options->actions[i]))
			return false;
	for (size_t i = 0; i < options->fd_map_count; i++)
		if (options->fd_map[i] < AFORK_FD_CLOSE)
			return false;
	return options->fd_map_count < 1 << 20;
}

int plan_make(struct plan **result, struct slot *slot, const struct afork_options *from)
{
	struct afork_options options;
	int error = read_options(&options, from);
	if (error)
		return error;
	if (!makes_sense(&options))
		return EINVAL;
	struct copier copier = {.slot = slot};
	struct plan *plan = allocate(&copier, sizeof *plan);
	if (!plan)
		return ENOMEM;
	*plan = (struct plan){.options = options, .bell = -1, .bell_read = -1};
	copy_program(&copier, plan, &options);
	copy_lists(&copier, plan);
	*result = plan;
	return copier.error;
}
