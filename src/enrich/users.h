#pragma once
/*
 * The host's users and groups, by number. Filled from one USERS record, so that a replay shows the
 * names of the machine that was recorded.
 */
#include "base/buf.h"
#include "event/subject.h"

#define USERS_MAX 4096 /* of each */

struct users {
	struct account *list, *groups; /* sorted by id */
	size_t n, ngroups;
	char *text;
};

/*
 * The blob of a USERS record from /etc/passwd and /etc/group. Lines "uid:name", then as many
 * "p" uid ":" home ":" shell, and "g" gid ":" name. Empty when they cannot be read.
 */
void users_collect(struct buf *ret);

/* Replaces the table by what @blob says; lines that are not of the form are passed over. */
void users_read(struct users *u, struct str blob);

/* NULL when there is none. Valid until the next users_read. */
const struct account *users_find(const struct users *u, uint32_t uid);
const struct account *users_group(const struct users *u, uint32_t gid);
void users_free(struct users *u);
