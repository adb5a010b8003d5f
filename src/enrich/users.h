#pragma once
/*
 * Users and groups by number, of the node or of a container. Filled from one USERS record, so that a
 * replay shows the names of the machine that was recorded.
 */
#include <stdio.h>

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

/* The same of two files; either may be NULL. At most 64,000 bytes. */
void users_from(FILE *passwd, FILE *group, struct buf *ret);

/*
 * A container's blob begins with a line "c" and its id. Takes that line off @blob; the id, or
 * STR_NONE for the node's.
 */
struct str users_owner(struct str *blob);

/*
 * Replaces the table by what @blob says; lines that are not of the form are passed over.
 * @contained marks each account as the container's own.
 */
void users_read(struct users *u, struct str blob, bool contained);

/* NULL when there is none. Valid until the next users_read. */
const struct account *users_find(const struct users *u, uint32_t uid);
const struct account *users_group(const struct users *u, uint32_t gid);
void users_free(struct users *u);
