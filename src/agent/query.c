/* Options become expressions: there is one language, also for --pod and --pid. */
#include "agent/query.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/catalogue.h"
#include "base/cleanup.h"

void query_free(struct query *q)
{
	expr_free(q->where);
	expr_free(q->scope);
	*q = (struct query){ 0 };
}

/* A string of the language in double quotes. */
static void quoted(struct buf *b, struct str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, s.p[i]);
	}
	buf_char(b, '"');
}

static void and_start(struct buf *b)
{
	if (b->n)
		buf_str(b, STR(" and "));
}

static void scope_pod(struct buf *b, const char *pod)
{
	const char *slash = strchr(pod, '/');

	and_start(b);
	if (slash) {
		buf_str(b, STR("k8s.ns.name="));
		quoted(b, (struct str){ pod, (size_t)(slash - pod) });
		buf_str(b, STR(" and "));
	}
	buf_str(b, STR("k8s.pod.name="));
	quoted(b, str_of(slash ? slash + 1 : pod));
}

static void scope_container(struct buf *b, const char *container)
{
	and_start(b);
	buf_str(b, STR("(container.name="));
	quoted(b, str_of(container));
	buf_str(b, STR(" or container.full_id startswith "));
	quoted(b, str_of(container));
	buf_char(b, ')');
}

static void scope_pid(struct buf *b, uint32_t pid, bool tree)
{
	and_start(b);
	if (tree)
		buf_printf(b, "(proc.pid=%u or proc.apid=%u)", pid, pid);
	else
		buf_printf(b, "proc.pid=%u", pid);
}

static int expr_make(struct str text, struct expr **ret, struct buf *why)
{
	struct expr_opts opts = { .type_kinds = catalogue_type_kinds };
	struct lang_error error;
	int err = expr_parse(catalogue_get(), text, &opts, ret, &error);

	if (err == -EINVAL)
		lang_error_print(&error, why);
	return err;
}

static int query_kinds(const char *list, uint64_t *ret, struct buf *why)
{
	struct str bad;

	if (!list || kinds_parse(str_of(list), ret, &bad) == 0)
		return 0;
	buf_str(why, STR("unknown kind \""));
	buf_text(why, bad);
	buf_str(why, STR("\"; known: all"));
	for (size_t i = 0; i < KIND_COUNT; i++) {
		buf_str(why, STR(", "));
		buf_str(why, kind_table[i].name);
	}
	return -EINVAL;
}

int query_make(const struct query_opts *o, struct query *ret, struct buf *why)
{
	_cleanup_(query_free) struct query q = { .kinds = KINDS_ALL, .pid = o->pid, .tree = o->tree };
	_cleanup_(buf_free) struct buf scope = { 0 };
	int err = query_kinds(o->kinds, &q.kinds, why);

	if (!err && o->where)
		err = expr_make(str_of(o->where), &q.where, why);
	if (o->pod)
		scope_pod(&scope, o->pod);
	if (o->container)
		scope_container(&scope, o->container);
	if (o->pid)
		scope_pid(&scope, o->pid, o->tree);
	if (!err && scope.n)
		err = expr_make(buf_slice(&scope), &q.scope, why);
	if (err)
		return err;
	if (q.where)
		q.kinds &= expr_kinds(q.where);
	if (!o->kinds)
		q.kinds = kinds_usual(q.kinds);
	*ret = q;
	q = (struct query){ 0 };
	return 0;
}
