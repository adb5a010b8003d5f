/*
 * One JSON object a line; keys are the catalogue's field names, absent values are left out.
 *
 * What depends on the subject alone is rendered once per process and kept as long as nothing in it
 * changes (the sum of the generations of process, cgroup, container and pod only grows): most
 * events of a busy process then cost one copy for all of proc.*, container.* and k8s.*.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/json.h"
#include "out/out.h"

#define CACHE_ENTRIES 1024 /* a power of two */
#define CACHE_BYTES   (8u << 20)

struct key {
	struct str text; /* the name; with brackets it is the key's own, with room behind */
	struct field_ref ref;
};

struct fragment {
	const struct proc *proc;
	uint64_t start_ns, gen;
	struct buf text;
};

struct out {
	struct key *subject; /* fields of the subject alone */
	size_t nsubject;
	struct key *of_kind[KIND_COUNT]; /* the others, for each kind those it can have */
	size_t nof_kind[KIND_COUNT];
	size_t cached_bytes;
	struct fragment cache[CACHE_ENTRIES];
};

static bool ref_is_plain(const struct field_ref *ref)
{
	return !ref->has_index && !ref->key.p;
}

static void keys_free(struct key *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ref_is_plain(&list[i].ref))
			free((char *)list[i].text.p);
	free(list);
}

static void json_close(struct out *o)
{
	if (!o)
		return;
	keys_free(o->subject, o->nsubject);
	for (size_t k = 0; k < KIND_COUNT; k++)
		keys_free(o->of_kind[k], o->nof_kind[k]);
	for (size_t i = 0; i < CACHE_ENTRIES; i++)
		buf_free(&o->cache[i].text);
	free(o);
}

static int key_add(struct key **list, size_t *n, const struct field_ref *ref)
{
	struct key *more = realloc(*list, (*n + 1) * sizeof(*more));
	struct buf b = { 0 };
	struct str name;

	if (!more)
		return -ENOMEM;
	*list = more;
	if (ref_is_plain(ref)) {
		name = str_of(ref->field->name);
	} else {
		if (ref->key.p)
			buf_printf(&b, "%s[%.*s]", ref->field->name, STR_ARG(ref->key));
		else
			buf_printf(&b, "%s[%lld]", ref->field->name, (long long)ref->index);
		if (b.failed)
			return -ENOMEM;
		name = buf_slice(&b);
	}
	more[(*n)++] = (struct key){ name, *ref };
	return 0;
}

static int field_add(struct out *o, const struct field_ref *ref, uint64_t kinds)
{
	int err = 0;

	if ((ref->field->flags & FIELD_SUBJECT) && ref_is_plain(ref))
		return key_add(&o->subject, &o->nsubject, ref);
	for (size_t k = 0; !err && k < KIND_COUNT; k++)
		if (kinds & KIND_BIT(k))
			err = key_add(&o->of_kind[k], &o->nof_kind[k], ref);
	return err;
}

static int json_open(const struct catalogue *c, const struct field_ref *refs, size_t n,
		     struct out **ret)
{
	struct out *o = calloc(1, sizeof(*o));
	int err = o ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++)
		err = field_add(o, &refs[i], refs[i].field->kinds);
	for (size_t i = 0; !err && n == 0 && i < c->n; i++) {
		struct field_ref ref = { .field = c->fields[i] };

		if (c->fields[i]->flags & FIELD_DEFAULT)
			err = field_add(o, &ref, ref.field->kinds & ~ref.field->quiet);
	}
	if (err) {
		json_close(o);
		return err;
	}
	*ret = o;
	return 0;
}

static void key_put(struct buf *b, const struct key *k, const struct event *ev)
{
	struct value v;

	if (!k->ref.field->get(ev, &k->ref, 0, &v))
		return;
	json_key(b, k->text);
	value_json(b, &v);
}

/* The cached rendering, made when it is not there; without its braces. */
static const struct buf *subject_text(struct out *o, const struct event *ev)
{
	const struct proc *p = ev->proc;
	struct fragment *f = &o->cache[hash_u64((uintptr_t)p ^ p->start.ns) & (CACHE_ENTRIES - 1)];
	uint64_t gen = subject_gen(p);

	if (f->proc == p && f->start_ns == p->start.ns && f->gen == gen)
		return &f->text;
	o->cached_bytes -= f->text.cap;
	if (o->cached_bytes > CACHE_BYTES)
		buf_free(&f->text);
	buf_reset(&f->text);
	buf_char(&f->text, '{');
	for (size_t i = 0; i < o->nsubject; i++)
		key_put(&f->text, &o->subject[i], ev);
	o->cached_bytes += f->text.cap;
	f->proc = p;
	f->start_ns = p->start.ns;
	f->gen = f->text.failed ? ~0ull : gen;
	return &f->text;
}

static void json_event(struct out *o, const struct event *ev, struct buf *b)
{
	const struct key *keys = o->of_kind[ev->kind->id];
	const struct buf *subject = o->nsubject ? subject_text(o, ev) : NULL;

	buf_char(b, '{');
	for (size_t i = 0; i < o->nof_kind[ev->kind->id]; i++)
		key_put(b, &keys[i], ev);
	if (subject && subject->n > 1) {
		if (b->n && b->p[b->n - 1] != '{')
			buf_char(b, ',');
		buf_add(b, subject->p + 1, subject->n - 1);
	}
	buf_add(b, "}\n", 2);
}

const struct out_ops out_json_ops = {
	.open = json_open,
	.event = json_event,
	.close = json_close,
};
