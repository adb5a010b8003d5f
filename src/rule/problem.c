/* Problems: kept up to a maximum, shown as text and as JSON. */
#include "rule/problem.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "lang/error.h"
#include "rule/report.h"

void problems_free(struct problems *p)
{
	free(p->list);
	*p = (struct problems){ 0 };
}

/* As much of @s as fits, cut between characters, nothing in it that moves a cursor. */
static void text_copy(char *to, size_t cap, struct str s)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	size_t n;

	buf_text(&b, s);
	n = b.n < cap ? b.n : cap - 1;
	while (n < b.n && n > 0 && ((uint8_t)b.p[n] & 0xc0) == 0x80)
		n--;
	if (n)
		memcpy(to, b.p, n);
	to[n] = 0;
}

/* The position is lang_error's: it has the excerpt and the caret as well. */
static void problem_locate(struct problem *p, struct place where, const char *message)
{
	bool whole = where.at == PLACE_WHOLE || !where.file;
	struct lang_error e;

	lang_error_at(&e, whole ? STR_NONE : where.file->text, whole ? 0 : where.at, "%s", message);
	snprintf(p->message, sizeof(p->message), "%s", e.message);
	if (where.file)
		text_copy(p->file, sizeof(p->file), str_of(where.file->name));
	if (whole)
		return;
	p->line = e.line;
	p->column = e.column;
	snprintf(p->excerpt, sizeof(p->excerpt), "%s", e.excerpt);
	if (e.caret + 2 > sizeof(p->caret))
		return;
	memset(p->caret, ' ', e.caret);
	p->caret[e.caret] = '^';
}

void problem_add(struct problems *p, bool error, const char *code, struct place where,
		 struct str item, const char *fmt, va_list args)
{
	char message[sizeof(((struct lang_error *)0)->message)];
	bool fits = problem_fits(p, error);
	struct problem *one;

	*(error ? &p->errors : &p->warnings) += 1;
	if (!fits)
		return;
	if ((p->n & (p->n - 1)) == 0) {
		one = realloc(p->list, (p->n ? p->n * 2 : 1) * sizeof(*one));
		if (!one)
			return;
		p->list = one;
	}
	one = &p->list[p->n++];
	memset(one, 0, sizeof(*one));
	one->error = error;
	one->code = code;
	text_copy(one->item, sizeof(one->item), item);
	vsnprintf(message, sizeof(message), fmt, args);
	problem_locate(one, where, message);
}

void problem_print(const struct problem *p, struct buf *b)
{
	buf_str(b, str_of(p->file));
	if (p->line)
		buf_printf(b, ":%u:%u", p->line, p->column);
	buf_printf(b, ": %s: ", p->error ? "error" : "warning");
	if (p->item[0])
		buf_printf(b, "%s: ", p->item);
	buf_printf(b, "%s [%s]\n", p->message, p->code);
	if (p->excerpt[0])
		buf_printf(b, "  %s\n  %s\n", p->excerpt, p->caret);
}

static void member(struct buf *b, struct str key, const char *text)
{
	json_key(b, key);
	json_str(b, str_of(text));
}

void problem_json(const struct problem *p, struct buf *b)
{
	buf_str(b, STR("{\"severity\":"));
	json_str(b, p->error ? STR("error") : STR("warning"));
	member(b, STR("code"), p->code);
	member(b, STR("file"), p->file);
	json_key(b, STR("line"));
	buf_u64(b, p->line);
	json_key(b, STR("column"));
	buf_u64(b, p->column);
	member(b, STR("item"), p->item);
	member(b, STR("message"), p->message);
	member(b, STR("excerpt"), p->excerpt);
	member(b, STR("caret"), p->caret);
	buf_char(b, '}');
}
