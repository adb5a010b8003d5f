#pragma once
/*
 * The host's user names, by number. Filled from one USERS record, so that a replay shows the names
 * of the machine that was recorded.
 */
#include "base/buf.h"
#include "base/str.h"

#define USERS_MAX 4096

struct user {
	uint32_t uid;
	struct str name; /* borrowed from `text` */
};

struct users {
	struct user *list; /* sorted by uid */
	size_t n;
	char *text;
};

/* The blob of a USERS record from /etc/passwd: "uid:name\n" each. Empty when it cannot be read. */
void users_collect(struct buf *ret);

/* Replaces the table by what @blob says; lines that are not of the form are passed over. */
void users_read(struct users *u, struct str blob);
struct str users_name(const struct users *u, uint32_t uid);
void users_free(struct users *u);
