/*
 * Lists are text: where a list's name stands between blanks, parentheses, commas or equal signs
 * (or the ends), its items are put in, separated by commas; an empty list takes a comma with it.
 * Items that are lists are put in as well, whatever the order of definition; an item that has the
 * name of its own list is a plain value, as in `list: docker`, `items: [docker, dockerd]`.
 */
#include <errno.h>

#include "rule/loader.h"

static bool is_bound(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' ||
	       c == ',' || c == '=';
}

static int list_resolve(struct loader *l, struct list_def *d);

static int list_inside(struct loader *l, struct list_def *d, struct list_def *inside,
		       const struct node *item)
{
	int err;

	if (inside->def.state == DEF_BUSY)
		return loader_wrong(l, node_place(item), ERR_ITEM,
				    "the lists %.*s and %.*s contain each other",
				    STR_ARG(d->def.name), STR_ARG(inside->def.name));
	err = list_resolve(l, inside);
	if (err)
		return err;
	inside->def.used = true;
	if (d->text.n && inside->text.n)
		trace_words(&d->text, STR(", "), item);
	trace_trace(&d->text, &inside->text, 0, inside->text.n);
	return 0;
}

static int list_items(struct loader *l, struct list_def *d)
{
	for (struct list_item *i = d->items; i; i = i->next) {
		struct list_def *inside = names_find(&l->lists, i->node->text);
		int err = 0;

		if (inside && inside != d) {
			err = list_inside(l, d, inside, i->node);
		} else {
			if (d->text.n)
				trace_words(&d->text, STR(", "), i->node);
			trace_value(&d->text, i->node);
		}
		if (err)
			return err;
	}
	return 0;
}

static int list_resolve(struct loader *l, struct list_def *d)
{
	struct str outer = l->item_name;
	int err;

	if (d->def.state == DEF_DONE)
		return 0;
	if (d->def.state == DEF_BAD)
		return -EINVAL;
	if (l->depth == RULE_LIST_DEPTH_MAX)
		return loader_wrong(l, node_place(d->def.node), ERR_ITEM,
				    "more than %d lists inside each other", RULE_LIST_DEPTH_MAX);
	l->depth++;
	d->def.state = DEF_BUSY;
	d->text.pool = &l->pool;
	loader_item(l, "list", d->def.name);
	err = list_items(l, d);
	if (!err)
		err = loader_text_wrong(l, d->def.node, trace_check(&d->text));
	d->def.state = err ? DEF_BAD : DEF_DONE;
	loader_item(l, "list", outer);
	l->depth--;
	return err;
}

int lists_resolve(struct loader *l)
{
	int ret = 0;

	for (size_t i = 0; i < l->nlists; i++) {
		int err = list_resolve(l, l->list[i]);

		if (err == -ENOMEM)
			return err;
		ret = err ? err : ret;
	}
	return ret;
}

/* Nothing was put in: one comma must go, the one before, or else the one behind (its offset). */
static size_t comma_eat(struct trace *to, struct str text, size_t behind)
{
	size_t i = to->n;

	while (i > 0 && yaml_is_blank(to->p[i - 1]))
		i--;
	if (i > 0 && to->p[i - 1] == ',') {
		to->p[i - 1] = ' ';
		return behind;
	}
	for (i = behind; i < text.n && yaml_is_blank(text.p[i]); i++)
		;
	return i < text.n && text.p[i] == ',' ? i + 1 : behind;
}

void lists_substitute(struct loader *l, const struct trace *from, struct trace *to)
{
	struct str text = trace_text(from);
	size_t kept = 0, i = 0;

	while (i < text.n) {
		size_t end = i;
		struct list_def *d;

		while (end < text.n && !is_bound(text.p[end]))
			end++;
		d = end > i ? names_find(&l->lists, (struct str){ text.p + i, end - i }) : NULL;
		if (d) {
			trace_trace(to, from, kept, i - kept);
			trace_trace(to, &d->text, 0, d->text.n);
			d->def.used = true;
			kept = d->text.n ? end : comma_eat(to, text, end);
			end = kept > end ? kept : end;
		}
		i = end > i ? end : i + 1;
	}
	trace_trace(to, from, kept, text.n - kept);
}
