/* Users and groups: two sorted arrays, searched by bisection. */
#include "enrich/users.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Names first: where a file is too long for one record, homes go before names do. */
#define NAMES_MAX  (24u << 10)
#define GROUPS_MAX (32u << 10)
#define BLOB_MAX   (60u << 10)

void users_from(FILE *f, FILE *groups, struct buf *ret)
{
	size_t start = ret->n;
	struct passwd *p;
	struct group *g;

	while (f && ret->n - start < NAMES_MAX && (p = fgetpwent(f)))
		if (strlen(p->pw_name) < NAME_MAX)
			buf_printf(ret, "%u:%s\n", p->pw_uid, p->pw_name);
	while (groups && ret->n - start < GROUPS_MAX && (g = fgetgrent(groups)))
		if (strlen(g->gr_name) < NAME_MAX)
			buf_printf(ret, "g%u:%s\n", g->gr_gid, g->gr_name);
	if (f)
		rewind(f);
	while (f && ret->n - start < BLOB_MAX && (p = fgetpwent(f)))
		if (strlen(p->pw_dir) + strlen(p->pw_shell) < 1024)
			buf_printf(ret, "p%u:%s:%s\n", p->pw_uid, p->pw_dir, p->pw_shell);
}

void users_collect(struct buf *ret)
{
	_cleanup_(fclosep) FILE *passwd = fopen("/etc/passwd", "re");
	_cleanup_(fclosep) FILE *group = fopen("/etc/group", "re");

	users_from(passwd, group, ret);
}

struct str users_owner(struct str *blob)
{
	const char *end = blob->n ? memchr(blob->p, '\n', blob->n) : NULL;
	struct str id;

	if (blob->n == 0 || blob->p[0] != 'c')
		return STR_NONE;
	if (!end)
		return STR(""); /* of nobody */
	id = (struct str){ blob->p + 1, (size_t)(end - blob->p) - 1 };
	*blob = str_skip(*blob, id.n + 2);
	return id;
}

static int account_order(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static const struct account *account_find(const struct account *list, size_t n, uint32_t id)
{
	struct account key = { .id = id };

	return n ? bsearch(&key, list, n, sizeof(*list), account_order) : NULL;
}

/* "id:rest" */
static bool line_parse(struct str line, uint32_t *ret_id, struct str *ret_rest)
{
	uint64_t id = 0;
	size_t i = 0;

	while (i < line.n && line.p[i] >= '0' && line.p[i] <= '9' && id <= UINT32_MAX)
		id = id * 10 + (uint64_t)(line.p[i++] - '0');
	if (i == 0 || id > UINT32_MAX || i + 1 >= line.n || line.p[i] != ':')
		return false;
	*ret_id = (uint32_t)id;
	*ret_rest = str_skip(line, i + 1);
	return true;
}

static void home_set(struct users *u, uint32_t id, struct str rest)
{
	struct account *a = (struct account *)account_find(u->list, u->n, id);
	const char *colon = memchr(rest.p, ':', rest.n);

	if (!a || !colon)
		return;
	a->home = (struct str){ rest.p, (size_t)(colon - rest.p) };
	a->shell = str_skip(rest, a->home.n + 1);
}

/* One line of those that begin with @first ('\0': a digit). */
static void line_apply(struct users *u, char first, struct str line)
{
	struct str rest;
	uint32_t id;

	if (first && (line.n == 0 || line.p[0] != first))
		return;
	if (!line_parse(first ? str_skip(line, 1) : line, &id, &rest))
		return;
	if (first == 'p')
		home_set(u, id, rest);
	else if (first == 'g' && u->ngroups < USERS_MAX)
		u->groups[u->ngroups++] = (struct account){ .id = id, .name = rest };
	else if (!first && u->n < USERS_MAX)
		u->list[u->n++] = (struct account){ .id = id, .name = rest };
}

static void lines_apply(struct users *u, char first, struct str left)
{
	while (left.n) {
		const char *end = memchr(left.p, '\n', left.n);
		struct str line = { left.p, end ? (size_t)(end - left.p) : left.n };

		line_apply(u, first, line);
		left = str_skip(left, line.n + 1);
	}
}

/* As many accounts as there can be: one a line. */
static size_t lines_count(struct str blob)
{
	size_t n = 1;

	for (size_t i = 0; i < blob.n && n < USERS_MAX; i++)
		n += blob.p[i] == '\n';
	return n;
}

void users_read(struct users *u, struct str blob, bool contained)
{
	size_t max = lines_count(blob);
	struct users fresh = { .list = calloc(max, sizeof(*fresh.list)),
			       .groups = calloc(max, sizeof(*fresh.groups)),
			       .text = malloc(blob.n + 1) };
	struct str text = { fresh.text, blob.n };

	if (!fresh.list || !fresh.groups || !fresh.text) {
		users_free(&fresh);
		return;
	}
	if (blob.n)
		memcpy(fresh.text, blob.p, blob.n);
	lines_apply(&fresh, '\0', text);
	lines_apply(&fresh, 'g', text);
	qsort(fresh.list, fresh.n, sizeof(*fresh.list), account_order);
	qsort(fresh.groups, fresh.ngroups, sizeof(*fresh.groups), account_order);
	lines_apply(&fresh, 'p', text);
	for (size_t i = 0; i < fresh.n; i++)
		fresh.list[i].contained = contained;
	for (size_t i = 0; i < fresh.ngroups; i++)
		fresh.groups[i].contained = contained;
	users_free(u);
	*u = fresh;
}

const struct account *users_find(const struct users *u, uint32_t uid)
{
	return account_find(u->list, u->n, uid);
}

const struct account *users_group(const struct users *u, uint32_t gid)
{
	return account_find(u->groups, u->ngroups, gid);
}

void users_free(struct users *u)
{
	free(u->list);
	free(u->groups);
	free(u->text);
	*u = (struct users){ 0 };
}
