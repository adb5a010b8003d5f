/* Text wraps at blanks under its own beginning; what comes from outside is made printable. */
#include "agent/why.h"

#include <errno.h>
#include <stdio.h>

#include "agg/profile_merge.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "out/html/html.h"

#define SHOWN 3 /* possible findings that are told in full */

static const char *const confidence_names[CONFIDENCES] = {
	[CONFIDENCE_POSSIBLE] = "possible",
	[CONFIDENCE_LIKELY] = "likely",
	[CONFIDENCE_CERTAIN] = "certain",
};

static const char *const state_names[THREAD_STATE_COUNT] = {
#define X(ID, name, help) #name,
	THREAD_STATES(X)
#undef X
};

const char *why_confidence(enum confidence c)
{
	return confidence_names[c];
}

void why_judge(const struct watch *w, struct why *ret)
{
	causes_judge(w, &ret->findings);
	causes_verdict(w, &ret->findings, ret->verdict, sizeof(ret->verdict));
}

/* --- text ------------------------------------------------------------------------------------------- */

/* @text after @first, broken at blanks into lines that begin with @indent blanks. */
static void wrapped(struct buf *b, const char *first, unsigned indent, unsigned width,
		    const char *text)
{
	unsigned at = indent;

	buf_printf(b, "%-*s", (int)indent, first);
	while (*text) {
		size_t word = strcspn(text, " ");

		if (at > indent && at + 1 + word > width) {
			buf_printf(b, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			buf_char(b, ' ');
			at++;
		}
		buf_text(b, (struct str){ text, word });
		at += (unsigned)word;
		text += word;
		text += strspn(text, " ");
	}
	buf_char(b, '\n');
}

static void time_put(const struct watch *w, struct buf *b)
{
	uint64_t total = watch_total_ns(w);
	bool first = true;

	buf_printf(b, "time  ");
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++) {
		if (w->ns[i] * 1000 < total)
			continue;
		buf_printf(b, "%s%s %.1f s (%.0f %%)", first ? "" : ", ", state_names[i],
			   (double)w->ns[i] / 1e9, percent(w->ns[i], total));
		first = false;
	}
	if (first)
		buf_printf(b, "no thread of the target lived");
	buf_printf(b, "; %lu threads in %.1f s\n", w->threads_seen, (double)w->duration_ns / 1e9);
}

static void finding_put(const struct finding *f, size_t rank, unsigned width, struct buf *b)
{
	char head[64];

	snprintf(head, sizeof(head), "%2zu. %-9s ", rank, confidence_names[f->confidence]);
	buf_char(b, '\n');
	wrapped(b, head, 14, width, f->title);
	buf_printf(b, "%14s%s\n", "", f->cause);
	for (size_t i = 0; i < f->nevidence; i++)
		wrapped(b, "            -", 14, width, f->evidence[i]);
	if (f->advice[0])
		wrapped(b, "           ->", 14, width, f->advice);
}

void why_text(const struct watch *w, const struct why *y, unsigned width, bool all, struct buf *b)
{
	size_t possible = 0, hidden = 0;

	wrapped(b, "", 0, width, y->verdict);
	buf_char(b, '\n');
	time_put(w, b);
	for (size_t i = 0; i < y->findings.n; i++) {
		const struct finding *f = &y->findings.f[i];

		possible += f->confidence == CONFIDENCE_POSSIBLE;
		if (!all && possible > SHOWN)
			hidden++;
		else
			finding_put(f, i + 1, width, b);
	}
	if (hidden)
		buf_printf(b, "\n%zu more that are possible: --all\n", hidden);
	if (w->nbefore)
		buf_printf(b, "\nbefore, as the agent kept it:\n");
	for (size_t i = 0; i < w->nbefore; i++) {
		_cleanup_(buf_free) struct buf line = { 0 };

		buf_str(&line, w->before[i]);
		buf_char(&line, 0);
		if (!line.failed)
			wrapped(b, "  ", 2, width, line.p);
	}
	if (w->nunseen)
		buf_printf(b, "\nnot seen:\n");
	for (size_t i = 0; i < w->nunseen; i++) {
		buf_str(b, STR("  "));
		buf_text(b, w->unseen[i]);
		buf_char(b, '\n');
	}
}

/* --- JSON ------------------------------------------------------------------------------------------- */

static void text_member(struct buf *b, const char *key, const char *text)
{
	json_key(b, str_of(key));
	json_str(b, str_of(text));
}

static void finding_json(const struct finding *f, struct buf *b)
{
	buf_char(b, '{');
	text_member(b, "cause", f->cause);
	text_member(b, "confidence", confidence_names[f->confidence]);
	json_key(b, STR("cost"));
	buf_printf(b, "%.3f", f->cost / 1000.0);
	text_member(b, "title", f->title);
	json_key(b, STR("evidence"));
	buf_char(b, '[');
	for (size_t i = 0; i < f->nevidence; i++) {
		if (i)
			buf_char(b, ',');
		json_str(b, str_of(f->evidence[i]));
	}
	buf_char(b, ']');
	text_member(b, "advice", f->advice);
	buf_char(b, '}');
}

static void states_json(const uint64_t ns[THREAD_STATE_COUNT], struct buf *b)
{
	buf_char(b, '{');
	for (size_t i = 0; i < THREAD_STATE_COUNT; i++) {
		json_key(b, str_of(state_names[i]));
		buf_printf(b, "%.6f", (double)ns[i] / 1e9);
	}
	buf_char(b, '}');
}

void why_json(const struct watch *w, const struct why *y, struct buf *b)
{
	buf_char(b, '{');
	json_key(b, STR("target"));
	json_str(b, w->target);
	text_member(b, "verdict", y->verdict);
	json_key(b, STR("findings"));
	buf_char(b, '[');
	for (size_t i = 0; i < y->findings.n; i++) {
		if (i)
			buf_char(b, ',');
		finding_json(&y->findings.f[i], b);
	}
	buf_char(b, ']');
	json_key(b, STR("time"));
	states_json(w->ns, b);
	json_key(b, STR("watched"));
	buf_printf(b, "%.3f", (double)w->duration_ns / 1e9);
	json_key(b, STR("threads"));
	buf_printf(b, "%lu", w->threads_seen);
	json_key(b, STR("timeline"));
	buf_char(b, '[');
	for (size_t i = 0; i < w->nseconds; i++) {
		if (i)
			buf_char(b, ',');
		states_json(w->seconds[i], b);
	}
	buf_char(b, ']');
	json_key(b, STR("before"));
	buf_char(b, '[');
	for (size_t i = 0; i < w->nbefore; i++) {
		if (i)
			buf_char(b, ',');
		json_str(b, w->before[i]);
	}
	buf_char(b, ']');
	json_key(b, STR("unseen"));
	buf_char(b, '[');
	for (size_t i = 0; i < w->nunseen; i++) {
		if (i)
			buf_char(b, ',');
		json_str(b, w->unseen[i]);
	}
	buf_str(b, STR("]}\n"));
}

/* --- the page --------------------------------------------------------------------------------------- */

extern const char ui_why[], ui_why_end[];

#define WHY_MARK  STR("<!--why-->")
#define DATA_MARK STR("<!--data-->")

/* No text in the JSON may end the element it stands in. */
static void json_in_page(struct buf *b, struct str json)
{
	for (size_t i = 0; i < json.n; i++)
		if (json.p[i] == '<')
			buf_str(b, STR("\\u003c"));
		else
			buf_char(b, json.p[i]);
}

/* On the CPU and off it, in one. */
static int all_stacks(const struct watch *w, struct profile **ret)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	int err = profile_new(profile_opts(w->cpu), &p);

	if (!err)
		err = profile_merge(p, w->cpu, NULL, NULL);
	if (!err && w->off)
		err = profile_merge(p, w->off, NULL, NULL);
	if (!err)
		*ret = take_ptr(p);
	return err;
}

int why_html(const struct watch *w, const struct why *y, struct buf *b)
{
	const struct profile_out_opts o = { .view.type = 0 };
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_(buf_free) struct buf json = { 0 };
	struct str page = { ui_why, (size_t)(ui_why_end - ui_why) };
	const char *at = memmem(page.p, page.n, WHY_MARK.p, WHY_MARK.n);
	const char *data = memmem(page.p, page.n, DATA_MARK.p, DATA_MARK.n);
	int err;

	if (!at || !data || data < at || !w->cpu)
		return -EINVAL;
	err = all_stacks(w, &p);
	if (err)
		return err;
	why_json(w, y, &json);
	buf_add(b, page.p, (size_t)(at - page.p));
	json_in_page(b, buf_slice(&json));
	buf_add(b, at + WHY_MARK.n, (size_t)(data - at) - WHY_MARK.n);
	err = html_data(NULL, p, &o, b);
	buf_str(b, str_skip(page, (size_t)(data - page.p) + DATA_MARK.n));
	return err ? err : b->failed || json.failed ? -EFBIG : 0;
}
