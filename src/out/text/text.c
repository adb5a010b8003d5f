/*
 * Events for people: one aligned line each, or tab-separated fields when --fields names them.
 *
 *	12:03:44.123456 shop/cart-7d9f nginx[1234] openat /etc/nginx/nginx.conf -> 3
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "out/out.h"

#define WHERE_WIDTH 24
#define BRIEF_MAX   64

struct out {
	const struct field_ref *refs;
	size_t n;
	const struct field *detail; /* evt.res */
	const struct field *fd_name;
	const struct field *brief[BRIEF_MAX]; /* FIELD_BRIEF */
	size_t nbrief;
	uint64_t second; /* the wall-clock second that `clock` shows */
	char clock[16];
};

static void text_close(struct out *o)
{
	free(o);
}

static int text_open(const struct catalogue *c, const struct field_ref *refs, size_t n,
		     struct out **ret)
{
	struct out *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->refs = refs;
	o->n = n;
	o->detail = field_find(c, STR("evt.res"));
	o->fd_name = field_find(c, STR("fd.name"));
	for (size_t i = 0; i < c->n && o->nbrief < BRIEF_MAX; i++)
		if (c->fields[i]->flags & FIELD_BRIEF)
			o->brief[o->nbrief++] = c->fields[i];
	*ret = o;
	return 0;
}

static void fields_put(struct out *o, const struct event *ev, struct buf *b)
{
	for (size_t i = 0; i < o->n; i++) {
		struct value v;

		if (i)
			buf_char(b, '\t');
		if (o->refs[i].field->get(ev, &o->refs[i], 0, &v))
			value_text(b, &v);
		else
			buf_char(b, '-');
	}
}

static void time_put(struct out *o, const struct event *ev, struct buf *b)
{
	uint64_t wall = ev->time.ns + (uint64_t)ev->host->boot_to_wall_ns;
	time_t second = (time_t)(wall / NS_PER_SEC);
	struct tm tm;

	if (o->second != (uint64_t)second) {
		o->second = (uint64_t)second;
		localtime_r(&second, &tm);
		strftime(o->clock, sizeof(o->clock), "%H:%M:%S", &tm);
	}
	buf_str(b, str_of(o->clock));
	buf_printf(b, ".%06u ", (unsigned)(wall % NS_PER_SEC / 1000));
}

/* Pod, else container, else systemd unit, else "host". */
static void where_put(const struct event *ev, struct buf *b)
{
	const struct cgroup *cg = ev->proc->cgroup;
	size_t start = b->n;

	if (cg && cg->pod && cg->pod->name.p) {
		buf_text(b, cg->pod->ns);
		buf_char(b, '/');
		buf_text(b, cg->pod->name);
	} else if (cg && cg->container && cg->container->name.p) {
		buf_text(b, cg->container->name);
	} else if (cg && cg->container) {
		buf_text(b, cg->container->id12);
	} else if (cg && cg->pod) {
		buf_str(b, STR("pod:"));
		buf_text(b, cg->pod->uid);
	} else if (cg && cg->unit.p) {
		buf_text(b, cg->unit);
	} else {
		buf_str(b, STR("host"));
	}
	while (b->n - start < WHERE_WIDTH)
		buf_char(b, ' ');
	buf_char(b, ' ');
}

/* " state=lock lost=20ms": what only its kind has. */
static void brief_put(struct out *o, const struct event *ev, struct buf *b)
{
	for (size_t i = 0; i < o->nbrief; i++) {
		const struct field_ref ref = { .field = o->brief[i] };
		const char *dot = strchr(ref.field->name, '.');
		struct value v;

		if (!field_of_kind(&ref, ev) || !ref.field->get(ev, &ref, 0, &v))
			continue;
		buf_printf(b, " %s=", dot ? dot + 1 : ref.field->name);
		value_text(b, &v);
		if (v.type == VALUE_DURATION)
			buf_str(b, str_of(ref.field->unit));
	}
}

static void what_put(struct out *o, const struct event *ev, struct buf *b)
{
	struct field_ref ref = { .field = o->fd_name };
	const struct program *g = ev->proc->program;
	struct value v;

	buf_char(b, ' ');
	buf_str(b, ev->type);
	if (o->fd_name && o->fd_name->get(ev, &ref, 0, &v)) {
		buf_char(b, ' ');
		value_text(b, &v);
	}
	if (ev->kind->id == KIND_EXEC && ev->ret >= 0 && g->cmdline.p) {
		buf_char(b, ' ');
		buf_text(b, g->cmdline);
	}
	if (ev->life.path.p) {
		buf_char(b, ' ');
		buf_text(b, ev->life.path);
	}
	brief_put(o, ev, b);
	ref.field = o->detail;
	if (ev->has_ret && ev->ret > 0)
		buf_printf(b, " -> %lld", (long long)ev->ret);
	else if (ev->has_ret && ev->ret < 0 && o->detail && o->detail->get(ev, &ref, 0, &v)) {
		buf_str(b, STR(" -> "));
		value_text(b, &v);
	}
}

static void text_event(struct out *o, const struct event *ev, struct buf *b)
{
	if (o->n) {
		fields_put(o, ev, b);
	} else {
		time_put(o, ev, b);
		where_put(ev, b);
		buf_text(b, str_fixed(ev->proc->comm, sizeof(ev->proc->comm)));
		buf_printf(b, "[%u]", ev->proc->pid);
		what_put(o, ev, b);
	}
	buf_char(b, '\n');
}

const struct out_ops out_text_ops = {
	.open = text_open,
	.event = text_event,
	.close = text_close,
};
