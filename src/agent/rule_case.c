/*
 * A case's event is a struct event with a table of values behind it; each field of the catalogue
 * has the same get, which looks its own field up there.
 */
#include "agent/rule_case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/catalogue.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "lang/literal.h"
#include "lang/pool.h"
#include "rule/yaml.h"

#define CASES_BYTES_MAX (16u << 20)
#define VALUES_MAX	32 /* of a list or an any-of field */

const struct rule_case_assumed rule_case_assumed[] = {
	{ "evt.dir", "<", NULL },
	{ "evt.rawres", "0", NULL },
	{ "evt.res", "SUCCESS", NULL },
	{ "evt.failed", "false", NULL },
	{ "evt.source", "syscall", NULL },
	{ "container.id", "host", NULL },
	{ "fd.num", "3", "fd.name" },
	{ "fd.type", "file", "fd.directory" },
	{ "fd.typechar", "f", "fd.directory" },
	{ NULL },
};

struct entry {
	const struct field *field;
	struct str arg; /* what stands in the brackets */
	struct value values[VALUES_MAX];
	struct str strs[VALUES_MAX]; /* of a list */
	size_t n;
};

struct case_event {
	struct event ev; /* first: fields are handed this */
	struct rec_hdr hdr;
	struct entry entries[RULE_CASE_FIELDS_MAX];
	size_t n;
};

static const struct catalogue *case_catalogue;

static bool case_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct case_event *c = (const struct case_event *)ev;
	char number[24];
	struct str arg = ref->key;

	if (ref->has_index)
		arg = (struct str){ number, (size_t)snprintf(number, sizeof(number), "%lld",
							     (long long)ref->index) };
	for (size_t i = 0; i < c->n; i++) {
		const struct entry *e = &c->entries[i];

		if (e->field != ref->field || !str_eq(e->arg, arg) || nth >= e->n)
			continue;
		*ret = e->values[nth];
		return true;
	}
	return false;
}

const struct catalogue *rule_case_catalogue(void)
{
	const struct catalogue *real = catalogue_get();
	struct field *fields;
	const struct field **list;
	struct catalogue *c;

	if (case_catalogue || !real)
		return case_catalogue;
	c = calloc(1, sizeof(*c));
	list = calloc(real->n, sizeof(*list));
	fields = calloc(real->n, sizeof(*fields));
	if (!c || !list || !fields) {
		free(c);
		free(list);
		free(fields);
		return NULL;
	}
	for (size_t i = 0; i < real->n; i++) {
		fields[i] = *real->fields[i];
		fields[i].get = case_get;
		fields[i].flags &= ~(uint32_t)FIELD_SUBJECT;
		list[i] = &fields[i];
	}
	*c = (struct catalogue){ list, real->n };
	case_catalogue = c;
	return c;
}

/* --- reading the file --- */

static unsigned line_of(const struct node *n)
{
	unsigned line = 1;

	for (uint32_t i = 0; i < n->at && i < n->file->text.n; i++)
		line += n->file->text.p[i] == '\n';
	return line;
}

static int wrong(const struct node *at, struct buf *why, const char *message)
{
	buf_printf(why, "%s:%u: %s", at->file->name, line_of(at), message);
	return -EINVAL;
}

static bool strings_only(const struct node *seq)
{
	if (seq->kind != NODE_SEQ)
		return false;
	for (const struct node *n = seq->child; n; n = n->next)
		if (n->kind != NODE_SCALAR)
			return false;
	return true;
}

static int case_read(const struct node *map, struct rule_case *ret, struct buf *why)
{
	const struct node *name, *capture;

	if (map->kind != NODE_MAP)
		return wrong(map, why, "expected a case: name, event or capture, expect");
	name = node_get(map, STR("name"));
	capture = node_get(map, STR("capture"));
	*ret = (struct rule_case){
		.name = name && name->kind == NODE_SCALAR ? name->text : STR("(no name)"),
		.line = line_of(map),
		.event = node_get(map, STR("event")),
		.capture = capture && capture->kind == NODE_SCALAR ? capture->text : STR_NONE,
		.expect = node_get(map, STR("expect")),
		.reject = node_get(map, STR("reject")),
	};
	if (!ret->event == !ret->capture.p)
		return wrong(map, why, "expected either event or capture");
	if (ret->event && ret->event->kind != NODE_MAP)
		return wrong(ret->event, why, "expected fields and their values");
	if (!ret->expect && !ret->reject)
		return wrong(map, why, "expected expect, reject or both: lists of rule names");
	if ((ret->expect && !strings_only(ret->expect)) ||
	    (ret->reject && !strings_only(ret->reject)))
		return wrong(map, why, "expect and reject are lists of rule names");
	return 0;
}

static int text_read(const char *path, struct pool *pool, struct str *ret)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	if (st.st_size > CASES_BYTES_MAX)
		return -EFBIG;
	text = pool_alloc(pool, (size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, text + n, (size_t)st.st_size - n);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	*ret = (struct str){ text, n };
	return 0;
}

static int cases_collect(const struct node *docs, struct rule_cases *c, struct buf *why)
{
	for (const struct node *doc = docs; doc; doc = doc->next) {
		if (doc->kind == NODE_NULL)
			continue;
		if (doc->kind != NODE_SEQ)
			return wrong(doc, why, "expected a list of cases");
		for (const struct node *n = doc->child; n; n = n->next) {
			int err;

			if (c->n == RULE_CASES_MAX)
				return wrong(n, why, "too many cases");
			err = case_read(n, &c->list[c->n], why);
			if (err)
				return err;
			c->n++;
		}
	}
	return 0;
}

int rule_cases_read(const char *path, struct rule_cases *ret, struct buf *why)
{
	_cleanup_(rule_cases_free) struct rule_cases c = { .pool = calloc(1, sizeof(struct pool)) };
	struct rule_file *file = c.pool ? pool_alloc(c.pool, sizeof(*file)) : NULL;
	struct yaml_wrong bad;
	struct node *docs, at;
	size_t nodes = 0;
	int err;

	if (!file)
		return -ENOMEM;
	*file = (struct rule_file){ .name = path };
	err = text_read(path, c.pool, &file->text);
	if (err) {
		buf_printf(why, "%s: %s", path, strerror(-err));
		return err;
	}
	err = yaml_read(c.pool, file, &nodes, &docs, &bad);
	if (err == -EINVAL) {
		at = (struct node){ .file = file, .at = (uint32_t)bad.at };
		return wrong(&at, why, bad.message);
	}
	if (!err)
		c.list = calloc(nodes < RULE_CASES_MAX ? nodes + 1 : RULE_CASES_MAX, sizeof(*c.list));
	if (err || !c.list)
		return -ENOMEM;
	err = cases_collect(docs, &c, why);
	if (err)
		return err;
	*ret = c;
	c = (struct rule_cases){ 0 };
	return 0;
}

void rule_cases_free(struct rule_cases *c)
{
	free(c->list);
	if (c->pool)
		pool_free(c->pool);
	free(c->pool);
	*c = (struct rule_cases){ 0 };
}

/* --- running one --- */

static const struct entry *entry_of(const struct case_event *c, const char *field)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->entries[i].field->name, field) == 0)
			return &c->entries[i];
	return NULL;
}

/* "proc.aname[2]" to the field and "2". */
static const struct field *field_named(struct str name, struct str *ret_arg)
{
	const char *open = name.n ? memchr(name.p, '[', name.n) : NULL;

	*ret_arg = STR_NONE;
	if (open && name.p[name.n - 1] == ']') {
		size_t n = (size_t)(open - name.p);

		*ret_arg = (struct str){ open + 1, name.n - n - 2 };
		name.n = n;
	}
	return field_find(rule_case_catalogue(), name);
}

static const char *value_add(struct entry *e, struct str text)
{
	enum value_type type = e->field->type;
	struct expr_value v;
	const char *expected;

	if (e->n == VALUES_MAX)
		return "fewer values";
	if (type == VALUE_LIST) {
		e->strs[e->values[0].list.n++] = text;
		e->n = 1;
		return e->values[0].list.n == VALUES_MAX ? "fewer values" : NULL;
	}
	expected = literal_read(text, type, e->field->unit, &v);
	if (!expected)
		e->values[e->n++] = v.v;
	return expected;
}

static struct entry *entry_new(struct case_event *c, const struct field *f, struct str arg)
{
	struct entry *e;

	if (c->n == RULE_CASE_FIELDS_MAX)
		return NULL;
	e = &c->entries[c->n++];
	*e = (struct entry){ .field = f, .arg = arg };
	if (f->type == VALUE_LIST)
		e->values[0] = (struct value){ .type = VALUE_LIST, .list = { e->strs, 0 } };
	return e;
}

static int entry_read(struct case_event *c, const struct node *key, const struct node *value,
		      struct buf *why)
{
	const char *expected = NULL;
	struct str arg;
	const struct field *f = key->kind == NODE_SCALAR ? field_named(key->text, &arg) : NULL;
	struct entry *e;

	if (!f)
		return wrong(key, why, "there is no such field; see porthole fields");
	e = entry_new(c, f, arg);
	if (!e)
		return wrong(key, why, "too many fields");
	if (value->kind == NODE_SCALAR)
		expected = value_add(e, value->text);
	else if (strings_only(value))
		for (const struct node *n = value->child; n && !expected; n = n->next)
			expected = value_add(e, n->text);
	else
		expected = "a value or a list of values";
	if (!expected)
		return 0;
	buf_printf(why, "%s:%u: %s: expected %s", value->file->name, line_of(value), f->name,
		   expected);
	return -EINVAL;
}

/* Gives a field a value unless the case has one. */
static void assume(struct case_event *c, const char *field, struct str value)
{
	const struct field *f = field_find(rule_case_catalogue(), str_of(field));
	struct entry *e = f && value.p && !entry_of(c, field) ? entry_new(c, f, STR_NONE) : NULL;

	if (e && value_add(e, value))
		c->n--;
}

static struct str string_of(const struct case_event *c, const char *field)
{
	const struct entry *e = entry_of(c, field);

	return e && e->n && e->field->type == VALUE_STR ? e->values[0].str : STR_NONE;
}

/* What a path says: its directory and its name. */
static void assume_path(struct case_event *c)
{
	struct str name = string_of(c, "fd.name");
	const char *slash;

	if (!name.p || name.n == 0 || name.p[0] != '/')
		return;
	slash = memrchr(name.p, '/', name.n);
	assume(c, "fd.directory",
	       slash == name.p ? STR("/") : (struct str){ name.p, (size_t)(slash - name.p) });
	assume(c, "fd.filename", str_skip(name, (size_t)(slash - name.p) + 1));
	assume(c, "fd.nameraw", name);
}

static void assume_open(struct case_event *c)
{
	struct str flags = string_of(c, "evt.arg.flags");
	struct str type = string_of(c, "evt.type");
	bool rw = str_contains(flags, STR("O_RDWR"));

	if (!str_starts(type, STR("open")) || !flags.p)
		return;
	assume(c, "evt.is_open_read",
	       rw || str_contains(flags, STR("O_RDONLY")) ? STR("true") : STR("false"));
	assume(c, "evt.is_open_write",
	       rw || str_contains(flags, STR("O_WRONLY")) ? STR("true") : STR("false"));
}

static void assume_all(struct case_event *c)
{
	assume_path(c);
	assume_open(c);
	assume(c, "proc.cmdline", string_of(c, "proc.name"));
	assume(c, "proc.exe", string_of(c, "proc.name"));
	for (const struct rule_case_assumed *a = rule_case_assumed; a->field; a++)
		if (!a->when || entry_of(c, a->when))
			assume(c, a->field, str_of(a->value));
}

static const struct kind *kind_of_type(struct str type)
{
	uint64_t kinds = catalogue_type_kinds(type);

	for (size_t k = 0; k < KIND_COUNT; k++)
		if (kinds & KIND_BIT(k))
			return &kind_table[k];
	return &kind_table[KIND_EXEC];
}

int rule_case_run(const struct rule_case *c, const struct ruleset *rules,
		  void (*fired)(void *ctx, const struct rule *r), void *ctx, struct buf *why)
{
	_cleanup_(freep) struct case_event *e = calloc(1, sizeof(*e));
	_cleanup_(arena_free) struct arena arena = { 0 };
	int err = e && rule_case_catalogue() ? arena_init(&arena, 1u << 20) : -ENOMEM;

	for (const struct node *key = c->event->child; !err && key; key = key->next->next)
		err = entry_read(e, key, key->next, why);
	if (err)
		return err;
	assume_all(e);
	e->ev = (struct event){ .hdr = &e->hdr,
				.body = &e->hdr,
				.num = 1,
				.type = string_of(e, "evt.type"),
				.kind = kind_of_type(string_of(e, "evt.type")) };
	field_arena_set(&arena);
	for (size_t i = 0; i < rules->n; i++) {
		if (expr_match(rules->rules[i]->expr, &e->ev))
			fired(ctx, rules->rules[i]);
		arena_reset(&arena);
	}
	field_arena_set(NULL);
	return 0;
}

static bool has_fired(const struct str *fired, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(fired[i], name))
			return true;
	return false;
}

static bool has_name(const struct node *seq, struct str name)
{
	for (const struct node *n = seq ? seq->child : NULL; n; n = n->next)
		if (str_eq(n->text, name))
			return true;
	return false;
}

void rule_case_verdict(const struct rule_case *c, const struct str *fired, size_t n, struct buf *b)
{
	for (const struct node *e = c->expect ? c->expect->child : NULL; e; e = e->next)
		if (!has_fired(fired, n, e->text))
			buf_printf(b, "  expected, but did not fire: %.*s\n", STR_ARG(e->text));
	for (size_t i = 0; i < n; i++) {
		if (has_name(c->reject, fired[i]))
			buf_printf(b, "  rejected, but fired: %.*s\n", STR_ARG(fired[i]));
		else if (c->expect && !c->reject && !has_name(c->expect, fired[i]))
			buf_printf(b, "  fired, and is not in expect: %.*s\n", STR_ARG(fired[i]));
	}
}
