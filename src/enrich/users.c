/* Users: a sorted array, searched by bisection. */
#include "enrich/users.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define BLOB_MAX (32u << 10)

void users_collect(struct buf *ret)
{
	_cleanup_(fclosep) FILE *f = fopen("/etc/passwd", "re");
	struct passwd *p;

	while (f && ret->n < BLOB_MAX && (p = fgetpwent(f)))
		buf_printf(ret, "%u:%s\n", p->pw_uid, p->pw_name);
}

static int user_order(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* "uid:name" of one line. */
static bool user_parse(struct str line, struct user *ret)
{
	uint64_t uid = 0;
	size_t i = 0;

	while (i < line.n && line.p[i] >= '0' && line.p[i] <= '9' && uid <= UINT32_MAX)
		uid = uid * 10 + (uint64_t)(line.p[i++] - '0');
	if (i == 0 || uid > UINT32_MAX || i + 1 >= line.n || line.p[i] != ':')
		return false;
	*ret = (struct user){ (uint32_t)uid, str_skip(line, i + 1) };
	return true;
}

void users_read(struct users *u, struct str blob)
{
	struct users fresh = { .list = calloc(USERS_MAX, sizeof(*fresh.list)),
			       .text = malloc(blob.n + 1) };
	struct str left = { fresh.text, blob.n };

	if (!fresh.list || !fresh.text) {
		users_free(&fresh);
		return;
	}
	if (blob.n)
		memcpy(fresh.text, blob.p, blob.n);
	while (left.n && fresh.n < USERS_MAX) {
		const char *end = memchr(left.p, '\n', left.n);
		struct str line = { left.p, end ? (size_t)(end - left.p) : left.n };

		if (user_parse(line, &fresh.list[fresh.n]))
			fresh.n++;
		left = str_skip(left, line.n + 1);
	}
	qsort(fresh.list, fresh.n, sizeof(*fresh.list), user_order);
	users_free(u);
	*u = fresh;
}

struct str users_name(const struct users *u, uint32_t uid)
{
	struct user key = { .uid = uid };
	const struct user *found;

	if (u->n == 0)
		return STR_NONE;
	found = bsearch(&key, u->list, u->n, sizeof(*u->list), user_order);
	return found ? found->name : STR_NONE;
}

void users_free(struct users *u)
{
	free(u->list);
	free(u->text);
	*u = (struct users){ 0 };
}
