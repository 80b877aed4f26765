/* SPDX-License-Identifier: MIT */
/* Another library that interposes, as fakechroot and Bear's do, loaded behind ours. */
#include <dlfcn.h>
#include <spawn.h>
#include <stdlib.h>

__attribute__((visibility("default"))) int posix_spawn(pid_t *pid, const char *path,
						       const posix_spawn_file_actions_t *actions,
						       const posix_spawnattr_t *attributes, char *const argv[],
						       char *const envp[])
{
	int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
		    char *const[]);
	*(void **)&real = dlsym(RTLD_NEXT, "posix_spawn");
	setenv("OTHER_WAS_CALLED", "yes", 1);
	return real(pid, path, actions, attributes, argv, envp);
}
