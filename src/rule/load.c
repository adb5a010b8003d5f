/*
 * The stages one after the other. Items of all files are read before anything is compiled, so that
 * order matters only where the language says so; a wrong item does not hide the next one's errors,
 * but rules are compiled only when all items were read.
 */
#include "rule/load.h"

#include <errno.h>

#include "base/clock.h"
#include "rule/loader.h"

static void loader_say(struct loader *l, bool error, struct place where, const char *code,
		       const char *fmt, va_list args)
{
	_cleanup_(buf_free) struct buf item = { 0 };

	if (l->item_type) {
		buf_printf(&item, "%s: ", l->item_type);
		buf_str(&item, l->item_name);
	}
	problem_add(l->problems, error, code, where, buf_slice(&item), fmt, args);
}

int loader_wrong(struct loader *l, struct place where, const char *code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	loader_say(l, true, where, code, fmt, args);
	va_end(args);
	return -EINVAL;
}

void loader_warn(struct loader *l, struct place where, const char *code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	loader_say(l, false, where, code, fmt, args);
	va_end(args);
}

int loader_text_wrong(struct loader *l, const struct node *node, int err)
{
	if (err != -E2BIG)
		return err;
	return loader_wrong(l, node_place(node), ERR_ITEM,
			    "longer than %u bytes with everything put in", TRACE_BYTES_MAX);
}

int str_join(struct pool *pool, const struct str *parts, size_t n, struct str *ret)
{
	size_t bytes = 0, at = 0;
	char *to;

	for (size_t i = 0; i < n; i++)
		bytes += parts[i].n;
	to = pool_alloc(pool, bytes + 1);
	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < n; at += parts[i++].n)
		if (parts[i].n)
			memcpy(to + at, parts[i].p, parts[i].n);
	*ret = (struct str){ to, bytes };
	return 0;
}

/* One file's text to definitions. */
static int source_read(struct loader *l, const struct rule_source *s)
{
	struct rule_file *file = pool_alloc(&l->pool, sizeof(*file));
	struct node *documents = NULL;
	struct yaml_wrong wrong;
	int err, ret = 0;

	if (!file)
		return -ENOMEM;
	file->name = s->name;
	file->text = str_starts(s->text, STR("\xef\xbb\xbf")) ? str_skip(s->text, 3) : s->text;
	loader_item(l, NULL, STR_NONE);
	if (s->text.n > RULE_FILE_BYTES_MAX)
		return loader_wrong(l, (struct place){ file, PLACE_WHOLE }, ERR_FILE,
				    "longer than %u bytes", RULE_FILE_BYTES_MAX);
	l->bytes += s->text.n;
	if (l->bytes > RULE_BYTES_MAX)
		return loader_wrong(l, (struct place){ file, PLACE_WHOLE }, ERR_FILE,
				    "all files up to this one are longer than %u bytes",
				    RULE_BYTES_MAX);
	err = yaml_read(&l->pool, file, &l->nodes, &documents, &wrong);
	if (err == -EINVAL)
		return loader_wrong(l, (struct place){ file, wrong.at }, ERR_YAML, "%s",
				    wrong.message);
	for (const struct node *d = documents; !err && d; d = d->next) {
		err = loader_read(l, d);
		ret = err ? err : ret;
		err = err == -EINVAL ? 0 : err;
	}
	return err ? err : ret;
}

static void unused_warn(struct loader *l)
{
	for (size_t i = 0; i < l->nmacros; i++) {
		const struct def *d = &l->macro[i]->def;

		loader_item(l, "macro", d->name);
		if (!d->used)
			loader_warn(l, node_place(d->node), WARN_UNUSED_MACRO,
				    "no rule and no macro uses it");
	}
	for (size_t i = 0; i < l->nlists; i++) {
		const struct def *d = &l->list[i]->def;

		loader_item(l, "list", d->name);
		if (!d->used)
			loader_warn(l, node_place(d->node), WARN_UNUSED_LIST,
				    "no rule, macro or list uses it");
	}
}

static int compile(struct loader *l, struct ruleset *rs)
{
	int err = lists_resolve(l), ret = err;

	if (err)
		return err;
	ret = macros_resolve(l);
	if (ret == -ENOMEM)
		return ret;
	err = rules_compile(l, rs);
	ret = err ? err : ret;
	if (ret)
		return ret;
	unused_warn(l);
	rs->total = l->nrules;
	rs->macros = l->nmacros;
	rs->lists = l->nlists;
	return 0;
}

static int load(struct loader *l, const struct rule_source *sources, size_t n, struct ruleset *rs)
{
	int ret = 0;

	for (size_t i = 0; i < n; i++) {
		int err = source_read(l, &sources[i]);

		if (err == -ENOMEM)
			return err;
		ret = err ? err : ret;
	}
	return ret ? ret : compile(l, rs);
}

static int ruleset_new(struct ruleset **ret)
{
	_cleanup_(ruleset_freep) struct ruleset *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return -ENOMEM;
	rs->pool = calloc(1, sizeof(*rs->pool));
	if (!rs->pool)
		return -ENOMEM;
	*ret = take_ptr(rs);
	return 0;
}

static void loader_free(struct loader *l)
{
	for (size_t i = 0; i < l->nmacros; i++)
		condition_free(&l->macro[i]->c);
	pool_free(&l->pool);
}

int ruleset_load(const struct rule_opts *o, const struct rule_source *sources, size_t n,
		 struct problems *problems, struct ruleset **ret)
{
	_cleanup_(loader_free) struct loader l = { .o = o, .problems = problems };
	_cleanup_(ruleset_freep) struct ruleset *rs = NULL;
	size_t before = problems->errors;
	int err = ruleset_new(&rs);

	if (err)
		return err;
	l.lists.pool = l.macros.pool = l.rules.pool = &l.pool;
	l.start_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	err = load(&l, sources, n, rs);
	loader_item(&l, NULL, STR_NONE);
	if (err == -ENOMEM && l.pool.bytes > POOL_MAX_BYTES / 2)
		err = loader_wrong(&l, (struct place){ NULL, PLACE_WHOLE }, ERR_ITEM,
				   "reading these rules takes more than %u bytes of memory",
				   POOL_MAX_BYTES);
	if (!err && problems->errors > before)
		err = -EINVAL;
	if (!err)
		*ret = take_ptr(rs);
	return err;
}
