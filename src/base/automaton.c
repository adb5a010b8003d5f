/*
 * The patterns are put into a tree whose nodes are rows of the table; then, in order of depth, each
 * row takes over what its longest proper suffix does with the classes it has no child for.
 *
 * What a pattern is bound to is part of its text: two nodes to begin at (nowhere, at the beginning)
 * and a class for the end. Directories are too: the first slash is a class of its own, so every
 * other pattern with a slash stands in the tree twice, where it may begin before or after it.
 */
#include "base/automaton.h"

#include <errno.h>
#include <stdlib.h>

#define CLASS_OTHER 0
#define CLASS_CUT   2
#define CLASS_BYTES 3 /* the first of those of single bytes */
#define ROWS_FIRST  1024

struct build {
	struct automaton a;
	uint32_t rows;		    /* allocated */
	bool directories, own[256]; /* bytes with a class of their own */
};

static int rows_more(struct build *b)
{
	uint32_t rows = b->rows ? b->rows * 2 : ROWS_FIRST;
	void *next, *out;

	if (b->rows == AUTOMATON_STATES_MAX)
		return -E2BIG;
	next = realloc(b->a.next, rows * sizeof(*b->a.next));
	if (!next)
		return -ENOMEM;
	b->a.next = next;
	out = realloc(b->a.out, rows * sizeof(*b->a.out));
	if (!out)
		return -ENOMEM;
	b->a.out = out;
	memset(b->a.next + b->rows, 0, (rows - b->rows) * sizeof(*b->a.next));
	memset(b->a.out + b->rows, 0, (rows - b->rows) * sizeof(*b->a.out));
	b->rows = rows;
	return 0;
}

/* The child of *@at by @class, made if need be: it becomes *@at. */
static int child(struct build *b, uint32_t *at, uint8_t class)
{
	int err;

	if (!b->a.next[*at][class]) {
		err = b->a.n == b->rows ? rows_more(b) : 0;
		if (err)
			return err;
		b->a.next[*at][class] = (uint16_t)b->a.n++;
	}
	*at = b->a.next[*at][class];
	return 0;
}

/* One form of a pattern: @cut: its first slash is the first of the text. */
static int form_add(struct build *b, const struct automaton_pattern *p, bool cut)
{
	bool reversed = b->a.reversed, exact = true;
	bool begin = p->bind & (reversed ? AUTOMATON_END : AUTOMATON_START);
	bool stop = p->bind & (reversed ? AUTOMATON_START : AUTOMATON_END);
	uint32_t at;
	int err = 0;

	if (!p->text.n && !(begin && stop)) { /* at the end of any text */
		begin = false;
		stop = true;
	}
	at = begin ? AUTOMATON_BEGIN : 0;
	for (size_t i = 0; !err && i < p->text.n; i++) {
		uint8_t byte = (uint8_t)p->text.p[reversed ? p->text.n - 1 - i : i];
		bool now = cut && byte == '/';

		exact &= b->own[byte];
		cut &= !now;
		err = child(b, &at, now ? CLASS_CUT : b->a.class[byte]);
	}
	if (!err && stop)
		err = child(b, &at, AUTOMATON_STOP);
	if (err)
		return err;
	b->a.out[at].hit |= p->mask;
	if (begin && stop && exact)
		b->a.out[at].deny |= p->deny;
	return 0;
}

/* The directory's own last byte is before the slash, except the root's, which is that slash. */
static int directory_add(struct build *b, const struct automaton_pattern *p)
{
	struct str dir = p->text;
	uint32_t at = 0;
	int err = child(b, &at, CLASS_CUT);

	if (str_eq(dir, STR("/")))
		dir.n = 0;
	while (!err && dir.n)
		err = child(b, &at, b->a.class[(uint8_t)dir.p[--dir.n]]);
	if (!err)
		err = child(b, &at, AUTOMATON_STOP);
	if (!err)
		b->a.out[at].hit |= p->mask;
	return err;
}

static int pattern_add(struct build *b, const struct automaton_pattern *p)
{
	bool slash = b->directories && p->text.n && memchr(p->text.p, '/', p->text.n);
	int err = 0;

	if (p->bind & AUTOMATON_DIRECTORY)
		return directory_add(b, p);
	if (slash)
		err = form_add(b, p, true);
	/* One that is bound to the end meets the last slash of all first. */
	if (!err && !(slash && (p->bind & AUTOMATON_END)))
		err = form_add(b, p, false);
	return err;
}

/* The most frequent bytes get a class each; the slash always. */
static void classes_make(struct build *b, const struct automaton_pattern *list, size_t n)
{
	size_t count[256] = { 0 };

	for (size_t i = 0; i < n; i++)
		for (size_t at = 0; at < list[i].text.n; at++)
			count[(uint8_t)list[i].text.p[at]]++;
	count['/'] = SIZE_MAX;
	for (uint8_t class = CLASS_BYTES; class < AUTOMATON_CLASSES; class ++) {
		size_t best = 0;

		for (size_t byte = 1; byte < 256; byte++)
			if (count[byte] > count[best])
				best = byte;
		if (!count[best])
			break;
		b->a.class[best] = class;
		b->own[best] = true;
		count[best] = 0;
	}
	b->a.cut = b->directories ? CLASS_CUT : b->a.class['/'];
}

/* The rows by depth: their suffixes' rows are complete before them. */
static int rows_complete(struct automaton *a)
{
	uint16_t *queue = calloc(a->n, 2 * sizeof(*queue)), *fail = queue ? queue + a->n : NULL;
	uint32_t head = 0, tail = 0;

	if (!queue)
		return -ENOMEM;
	/* To begin at the beginning is no step: its row is beside the root's. */
	for (uint32_t c = 0; c < AUTOMATON_CLASSES; c++)
		if (a->next[0][c])
			queue[tail++] = a->next[0][c];
	for (uint32_t c = 0; c < AUTOMATON_CLASSES; c++) {
		uint16_t to = a->next[AUTOMATON_BEGIN][c];

		if (to) {
			queue[tail++] = to;
			fail[to] = a->next[0][c];
		} else {
			a->next[AUTOMATON_BEGIN][c] = a->next[0][c];
		}
	}
	while (head < tail) {
		uint16_t s = queue[head++], f = fail[s];

		a->out[s].hit |= a->out[f].hit;
		for (uint32_t c = 0; c < AUTOMATON_CLASSES; c++) {
			uint16_t to = a->next[s][c];

			if (to) {
				queue[tail++] = to;
				fail[to] = a->next[f][c];
			} else {
				a->next[s][c] = a->next[f][c];
			}
		}
	}
	free(queue);
	return 0;
}

static void rows_mark(struct automaton *a)
{
	for (uint32_t s = 0; s < a->n; s++)
		for (uint32_t c = 0; c < AUTOMATON_CLASSES; c++) {
			const struct automaton_out *o = &a->out[a->next[s][c]];

			if (o->hit | o->deny)
				a->next[s][c] |= AUTOMATON_HIT;
		}
}

int automaton_make(const struct automaton_pattern *list, size_t n, bool reversed,
		   struct automaton *ret)
{
	struct build b = { .a.reversed = reversed, .a.n = AUTOMATON_BEGIN + 1 };
	int err = rows_more(&b);

	for (size_t i = 0; i < n; i++)
		b.directories |= reversed && (list[i].bind & AUTOMATON_DIRECTORY);
	classes_make(&b, list, n);
	for (size_t i = 0; !err && i < n; i++)
		err = pattern_add(&b, &list[i]);
	if (!err)
		err = rows_complete(&b.a);
	if (err) {
		automaton_free(&b.a);
		return err;
	}
	rows_mark(&b.a);
	*ret = b.a;
	return 0;
}

void automaton_free(struct automaton *a)
{
	free(a->next);
	free(a->out);
	*a = (struct automaton){ 0 };
}

static uint16_t step(const struct automaton *a, uint16_t at, uint8_t class, struct automaton_out *to)
{
	uint16_t next = a->next[at][class];

	if (next & AUTOMATON_HIT) {
		next &= (uint16_t)~AUTOMATON_HIT;
		to->hit |= a->out[next].hit;
		to->deny |= a->out[next].deny;
	}
	return next;
}

struct automaton_out automaton_find(const struct automaton *a, struct str text)
{
	struct automaton_out found = { 0 };
	uint16_t at = AUTOMATON_BEGIN;
	uint8_t slash = a->cut;

	if (!a->reversed) {
		for (size_t i = 0; i < text.n; i++)
			at = step(a, at, a->class[(uint8_t)text.p[i]], &found);
	} else {
		for (size_t i = text.n; i > 0; i--) {
			uint8_t byte = (uint8_t)text.p[i - 1], class = a->class[byte];

			if (byte == '/') {
				class = slash;
				slash = a->class['/'];
			}
			at = step(a, at, class, &found);
		}
	}
	step(a, at, AUTOMATON_STOP, &found);
	return found;
}
