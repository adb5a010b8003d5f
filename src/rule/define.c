/*
 * Lists, macros and rules from items: defined, redefined in their first place, appended to, or
 * overridden key by key.
 */
#include <errno.h>

#include "rule/read.h"

/* First letters and digits, as conditions can name it. */
static bool macro_name_good(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return s.n > 0;
}

static bool list_name_good(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || strchr("()\"'=,", s.p[i]))
			return false;
	return s.n > 0;
}

/* Adds to an array that doubles in the pool. */
static int array_add(struct loader *l, void *array, size_t *n, void *thing)
{
	void **old = *(void ***)array, **more;

	if ((*n & (*n - 1)) == 0) {
		more = pool_alloc(&l->pool, (*n ? *n * 2 : 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		if (*n)
			memcpy(more, old, *n * sizeof(*more));
		*(void ***)array = old = more;
	}
	old[(*n)++] = thing;
	return 0;
}

/* A definition, first or again: its place in the order stays the first's. */
static void def_set(struct loader *l, struct def *d, const struct item *i, bool first)
{
	d->visibility = l->next++;
	if (first) {
		d->index = d->visibility;
		d->name = i->name;
	}
	d->node = i->map;
}

static int not_defined(struct loader *l, const struct item *i, const char *type)
{
	return loader_wrong(l, node_place(i->map), ERR_ITEM,
			    "no %s of this name is defined before; there is nothing to change", type);
}

/* Lists */

static int items_add(struct loader *l, struct list_def *d, const struct item *i)
{
	for (const struct node *x = i->value[KEY_ITEMS]->child; x; x = x->next) {
		struct list_item *item = pool_alloc(&l->pool, sizeof(*item));

		if (!item)
			return -ENOMEM;
		item->node = x;
		*d->tail = item;
		d->tail = &item->next;
	}
	return 0;
}

static int list_new(struct loader *l, const struct item *i, struct list_def **ret)
{
	struct list_def *d = pool_alloc(&l->pool, sizeof(*d));
	int err = d ? array_add(l, &l->list, &l->nlists, d) : -ENOMEM;

	if (!err)
		err = names_add(&l->lists, i->name, d);
	*ret = d;
	return err;
}

int list_item(struct loader *l, const struct item *i)
{
	struct list_def *old = names_find(&l->lists, i->name), *d = old;
	bool append = i->append || i->how[KEY_ITEMS] == HOW_APPEND;
	int err = item_list(l, i, KEY_ITEMS);

	if (err)
		return err;
	if (!list_name_good(i->name))
		loader_warn(l, node_place(i->map), WARN_LIST_NAME,
			    "no condition can name a list with blanks, quotes, parentheses, commas or "
			    "equal signs in its name");
	if (append && !old)
		return not_defined(l, i, "list");
	if (append) {
		old->def.visibility = l->next++;
		return items_add(l, old, i);
	}
	if (!old)
		err = list_new(l, i, &d);
	if (err)
		return err;
	def_set(l, &d->def, i, !old);
	d->items = NULL;
	d->tail = &d->items;
	return items_add(l, d, i);
}

/* Macros */

static int macro_new(struct loader *l, const struct item *i, struct macro_def **ret)
{
	struct macro_def *m = pool_alloc(&l->pool, sizeof(*m));
	int err = m ? array_add(l, &l->macro, &l->nmacros, m) : -ENOMEM;

	if (!err)
		err = names_add(&l->macros, i->name, m);
	*ret = m;
	return err;
}

static void text_append(struct trace *t, const struct node *text)
{
	trace_words(t, STR(" "), text);
	trace_node(t, text);
}

static void text_set(struct loader *l, struct trace *t, const struct node *text)
{
	*t = (struct trace){ .pool = &l->pool };
	trace_node(t, text);
}

int macro_item(struct loader *l, const struct item *i)
{
	struct macro_def *old = names_find(&l->macros, i->name), *m = old;
	bool append = i->append || i->how[KEY_CONDITION] == HOW_APPEND;
	const struct node *text;
	int err = item_text(l, i, KEY_CONDITION, &text);

	if (err)
		return err;
	if (!macro_name_good(i->name))
		loader_warn(l, node_place(i->map), WARN_MACRO_NAME,
			    "no condition can name a macro that is not letters, digits and _, a letter "
			    "first");
	if (append && !old)
		return not_defined(l, i, "macro");
	if (!old)
		err = macro_new(l, i, &m);
	if (err)
		return err;
	if (append) {
		m->def.visibility = l->next++;
		text_append(&m->written, text);
	} else {
		def_set(l, &m->def, i, !old);
		text_set(l, &m->written, text);
	}
	return loader_text_wrong(l, text, trace_check(&m->written));
}

/* Rules: one function a key, which sets or appends. */

static int read_condition(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	const struct node *v;
	int err = item_text(l, i, KEY_CONDITION, &v);

	if (err)
		return err;
	r->condition_node = v;
	if (append)
		text_append(&r->written, v);
	else
		text_set(l, &r->written, v);
	return loader_text_wrong(l, v, trace_check(&r->written));
}

static int read_output(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	const struct node *v;
	size_t from = 0, to;
	int err = item_text(l, i, KEY_OUTPUT, &v);

	if (err)
		return err;
	for (to = v->text.n; to > 0 && yaml_is_blank(v->text.p[to - 1]); to--)
		;
	while (from < to && yaml_is_blank(v->text.p[from]))
		from++;
	r->output_node = v;
	if (append)
		trace_words(&r->output, STR(" "), v);
	else
		r->output = (struct trace){ .pool = &l->pool };
	trace_part(&r->output, v, from, to - from);
	return loader_text_wrong(l, v, trace_check(&r->output));
}

static int read_desc(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	const struct node *v;
	struct str parts[] = { r->desc, STR(" "), STR_NONE };
	int err = item_text(l, i, KEY_DESC, &v);

	if (err)
		return err;
	parts[2] = v->text;
	if (append && r->desc.n + v->text.n > TRACE_BYTES_MAX)
		return loader_text_wrong(l, v, -E2BIG);
	return str_join(&l->pool, append ? parts : &parts[2], append ? 3 : 1, &r->desc);
}

static int read_priority(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	const struct node *v;
	int err = item_text(l, i, KEY_PRIORITY, &v);

	(void)append;
	if (err || priority_parse(v->text, &r->priority))
		return err;
	return loader_wrong(l, node_place(v), ERR_SHAPE,
			    "expected emergency, alert, critical, error, warning, notice, informational "
			    "or debug");
}

/* Sorted, each once. */
static void tag_add(struct rule_def *r, struct str tag)
{
	size_t at = 0;

	while (at < r->ntags && str_cmp(r->tags[at], tag) < 0)
		at++;
	if (at < r->ntags && str_eq(r->tags[at], tag))
		return;
	memmove(&r->tags[at + 1], &r->tags[at], (r->ntags - at) * sizeof(tag));
	r->tags[at] = tag;
	r->ntags++;
}

static int read_tags(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	const struct node *v = i->value[KEY_TAGS];
	int err = item_list(l, i, KEY_TAGS);
	struct str *more;

	if (err)
		return err;
	r->ntags = append ? r->ntags : 0;
	if (v->size - 1 > RULE_TAGS_MAX - r->ntags)
		return loader_wrong(l, node_place(v), ERR_ITEM, "more than %d tags of one rule",
				    RULE_TAGS_MAX);
	more = pool_alloc(&l->pool, (r->ntags + v->size) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (r->ntags)
		memcpy(more, r->tags, r->ntags * sizeof(*more));
	r->tags = more;
	for (const struct node *x = v->child; x; x = x->next)
		tag_add(r, x->text);
	return 0;
}

static int read_exceptions(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	if (!append) {
		r->exceptions = NULL;
		r->nexceptions = 0;
	}
	return exceptions_read(l, r, i->value[KEY_EXCEPTIONS], append);
}

static int read_enabled(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	(void)append;
	return item_bool(l, i, KEY_ENABLED, &r->enabled);
}

static int read_warn(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	(void)append;
	return item_bool(l, i, KEY_WARN_EVTTYPES, &r->warn_evttypes);
}

static int read_skip(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	(void)append;
	return item_bool(l, i, KEY_SKIP, &r->skip_unknown);
}

static int read_capture(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	(void)append;
	return item_bool(l, i, KEY_CAPTURE, &r->capture);
}

static int read_duration(struct loader *l, struct rule_def *r, const struct item *i, bool append)
{
	const struct node *v;
	uint64_t ms = 0;
	int err = item_text(l, i, KEY_CAPTURE_DURATION, &v);

	(void)append;
	for (size_t k = 0; !err && k < v->text.n; k++) {
		char c = v->text.p[k];

		ms = ms * 10 + (unsigned)(c - '0');
		if (c < '0' || c > '9' || ms > UINT32_MAX)
			return loader_wrong(l, node_place(v), ERR_SHAPE,
					    "capture_duration: expected milliseconds, up to %u",
					    UINT32_MAX);
	}
	r->capture_ms = err ? r->capture_ms : (uint32_t)ms;
	return err;
}

static const struct {
	enum item_key key;
	bool required;
	int (*read)(struct loader *l, struct rule_def *r, const struct item *i, bool append);
} rule_keys[] = {
	{ KEY_CONDITION, true, read_condition },
	{ KEY_OUTPUT, true, read_output },
	{ KEY_DESC, true, read_desc },
	{ KEY_PRIORITY, true, read_priority },
	{ KEY_TAGS, false, read_tags },
	{ KEY_EXCEPTIONS, false, read_exceptions },
	{ KEY_ENABLED, false, read_enabled },
	{ KEY_WARN_EVTTYPES, false, read_warn },
	{ KEY_SKIP, false, read_skip },
	{ KEY_CAPTURE, false, read_capture },
	{ KEY_CAPTURE_DURATION, false, read_duration },
};

#define RULE_KEYS (sizeof(rule_keys) / sizeof(rule_keys[0]))

static int rule_override(struct loader *l, struct rule_def *r, const struct item *i)
{
	int err = 0;

	r->def.visibility = l->next++;
	for (size_t k = 0; !err && k < RULE_KEYS; k++) {
		enum item_key key = rule_keys[k].key;

		if (i->how[key])
			err = rule_keys[k].read(l, r, i, i->how[key] == HOW_APPEND);
	}
	return err;
}

/* The old way: condition and exceptions only, whatever else stands there. */
static int rule_append(struct loader *l, struct rule_def *r, const struct item *i)
{
	int err = 0;

	if (!i->value[KEY_CONDITION] && !i->value[KEY_EXCEPTIONS])
		return loader_wrong(l, node_place(i->map), ERR_ITEM,
				    "append needs a condition or exceptions");
	r->def.visibility = l->next++;
	if (i->value[KEY_CONDITION])
		err = read_condition(l, r, i, true);
	if (!err && i->value[KEY_EXCEPTIONS])
		err = read_exceptions(l, r, i, true);
	return err;
}

/* The old way to switch a rule: its name and enabled. */
static int rule_switch(struct loader *l, struct rule_def *r, const struct item *i)
{
	const struct node *v;
	int err = item_text(l, i, KEY_ENABLED, &v);

	if (err)
		return err;
	if (!r)
		return not_defined(l, i, "rule");
	loader_warn(l, node_place(i->map), WARN_DEPRECATED,
		    "a rule with enabled alone is deprecated; add override: and below it enabled: "
		    "replace");
	return read_enabled(l, r, i, false);
}

static int source_read(struct loader *l, struct rule_def *r, const struct item *i, bool first)
{
	const struct node *v;
	int err;

	if (!i->value[KEY_SOURCE]) {
		r->source = first ? STR("syscall") : r->source;
	} else {
		err = item_text(l, i, KEY_SOURCE, &v);
		if (err)
			return err;
		if (!first && !str_eq(r->source, v->text))
			return loader_wrong(l, node_place(v), ERR_ITEM,
					    "the rule is defined before with the source %.*s",
					    STR_ARG(r->source));
		r->source = v->text;
	}
	r->foreign = !str_eq(r->source, STR("syscall"));
	if (r->foreign)
		loader_warn(l, node_place(i->map), WARN_SOURCE,
			    "the rule is skipped: there is no event source %.*s here, only syscall",
			    STR_ARG(r->source));
	return 0;
}

static int rule_new(struct loader *l, const struct item *i, struct rule_def **ret)
{
	struct rule_def *r = pool_alloc(&l->pool, sizeof(*r));
	int err = r ? array_add(l, &l->rule, &l->nrules, r) : -ENOMEM;

	if (!err)
		err = names_add(&l->rules, i->name, r);
	*ret = r;
	return err;
}

static int rule_define(struct loader *l, struct rule_def *r, const struct item *i)
{
	struct rule_def fresh = { .enabled = true, .warn_evttypes = true };
	bool first = !r;
	int err = first ? rule_new(l, i, &r) : 0;

	if (err)
		return err;
	fresh.def = r->def;
	fresh.source = r->source;
	fresh.written.pool = fresh.output.pool = &l->pool; /* also when a key fails and one appends */
	*r = fresh;
	def_set(l, &r->def, i, first);
	err = source_read(l, r, i, first);
	for (size_t k = 0; !err && k < RULE_KEYS; k++)
		if (rule_keys[k].required || i->value[rule_keys[k].key])
			err = rule_keys[k].read(l, r, i, false);
	return err;
}

int rule_item(struct loader *l, const struct item *i)
{
	struct rule_def *old = names_find(&l->rules, i->name);

	if (i->overrides || i->append) {
		if (!old)
			return not_defined(l, i, "rule");
		return i->overrides ? rule_override(l, old, i) : rule_append(l, old, i);
	}
	if (!i->value[KEY_CONDITION] && !i->value[KEY_OUTPUT] && !i->value[KEY_DESC] &&
	    !i->value[KEY_PRIORITY] && i->value[KEY_ENABLED])
		return rule_switch(l, old, i);
	return rule_define(l, old, i);
}
