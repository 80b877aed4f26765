/* SPDX-License-Identifier: MIT */
/* Jobs that the library keeps for its user, by pid or FILE. */
#ifndef AFORK_REGISTRY_H
#define AFORK_REGISTRY_H

#include "record.h"

int registry_add(const void *owner, uintptr_t key, struct afork_job *job); /* 0 or ENOMEM */
struct afork_job *registry_take(const void *owner, uintptr_t key);	   /* NULL: none, or somebody has taken it */

#endif
