/* Selectors and their expressions. */
#include "agent/scope.h"

#include <errno.h>
#include <fnmatch.h>

#include "agent/catalogue.h"
#include "base/cleanup.h"

#define SELECTOR_BYTES 256

static const struct str between = { " where ", 7 };

static int scope_parse(struct str line, struct scope *ret, struct buf *why)
{
	struct expr_opts opts = { .type_kinds = catalogue_type_kinds };
	const char *at = line.n ? memmem(line.p, line.n, between.p, between.n) : NULL;
	struct lang_error error;
	int err;

	if (!at || at == line.p || (size_t)(at - line.p) >= SELECTOR_BYTES) {
		buf_str(why, STR("expected \"SELECTOR where EXPRESSION\", as "
				 "\"tag:network where k8s.ns.name=shop\", in \""));
		buf_text(why, line);
		buf_char(why, '"');
		return -EINVAL;
	}
	ret->selector = (struct str){ line.p, (size_t)(at - line.p) };
	err = expr_parse(catalogue_get(), str_skip(line, ret->selector.n + between.n), &opts,
			 &ret->where, &error);
	if (err == -EINVAL)
		lang_error_print(&error, why);
	return err;
}

int scopes_parse(const char *const *lines, size_t n, struct scopes *ret, struct buf *why)
{
	_cleanup_(scopes_free) struct scopes s = { 0 };

	if (n > SCOPES_MAX)
		return -E2BIG;
	for (; s.n < n; s.n++) {
		int err = scope_parse(str_of(lines[s.n]), &s.list[s.n], why);

		if (err)
			return err;
	}
	*ret = s;
	s.n = 0;
	return 0;
}

void scopes_free(struct scopes *s)
{
	while (s->n)
		expr_free(s->list[--s->n].where);
}

static bool pattern_matches(struct str pattern, struct str text)
{
	char p[SELECTOR_BYTES], t[4096];

	if (pattern.n >= sizeof(p) || text.n >= sizeof(t))
		return false;
	memcpy(p, pattern.p, pattern.n);
	p[pattern.n] = '\0';
	memcpy(t, text.p, text.n);
	t[text.n] = '\0';
	return fnmatch(p, t, 0) == 0;
}

bool selector_matches(struct str selector, const struct rule *r)
{
	if (str_starts(selector, STR("file:")))
		return pattern_matches(str_skip(selector, 5), str_of(r->file));
	if (!str_starts(selector, STR("tag:")))
		return pattern_matches(selector, r->name);
	for (size_t i = 0; i < r->ntags; i++)
		if (pattern_matches(str_skip(selector, 4), r->tags[i]))
			return true;
	return false;
}

bool scopes_hold(const struct scopes *s, const struct rule *r, const struct event *ev)
{
	for (size_t i = 0; i < s->n; i++)
		if (selector_matches(s->list[i].selector, r) && !expr_match(s->list[i].where, ev))
			return false;
	return true;
}
