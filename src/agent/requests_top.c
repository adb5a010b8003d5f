/* Columns out of fields, rows out of the tally. */
#include "agent/requests_top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/requests.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/utf8.h"
#include "event/request.h"

#define COLUMNS	   8
#define FIELDS	   4 /* that one column tries, one after the other */
#define DRAW_NS	   NS_PER_SEC
#define HALF_NS	   (5 * NS_PER_SEC)
#define KEY_BYTES  1024
#define PAGE_MAX   40 /* rows of the last table */
#define COLUMN_MAX 40 /* characters */

/* Words that stand for what people mean by them; any field's name is a word too. */
static const struct alias {
	const char *word, *field[FIELDS];
} aliases[] = {
	{ "protocol", { "req.protocol" } },
	{ "method", { "req.method" } },
	{ "route", { "req.route", "req.resource" } },
	{ "resource", { "req.resource" } },
	{ "status", { "req.status" } },
	{ "side", { "req.side" } },
	{ "host", { "req.host" } },
	{ "agent", { "req.agent" } },
	{ "ns", { "k8s.ns.name" } },
	{ "pod", { "k8s.pod.name", "container.name", "proc.name" } },
	{ "container", { "container.name", "container.id" } },
	{ "process", { "proc.name" } },
	{ "peer", { "fd.peer.name", "fd.rip" } },
	{ "client", { "fd.cip" } },
	{ "server", { "fd.sip" } },
};

/* One word of --by: the first of its fields that an event has is shown. */
struct column {
	struct str name;
	size_t fields;
};

struct requests_top {
	char *by; /* the columns' names are in it */
	struct column column[COLUMNS];
	size_t columns;
	struct buf fields;	     /* the names of all, by comma, as --fields takes them */
	struct tally *all, *half[2]; /* since the start; the last seconds, in two halves */
	enum tally_sort sort;
	bool recent;
	struct boot_ns begun, drawn, halved, first, last;
	uint64_t no_memory;
};

static const struct alias *alias_find(struct str word)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (str_eq(str_of(aliases[i].word), word))
			return &aliases[i];
	return NULL;
}

static void field_add(struct requests_top *t, struct column *c, struct str name)
{
	if (t->fields.n)
		buf_char(&t->fields, ',');
	buf_str(&t->fields, name);
	c->fields++;
}

static void column_add(struct requests_top *t, struct str word)
{
	struct column *c = &t->column[t->columns++];
	const struct alias *a = alias_find(word);

	*c = (struct column){ .name = word };
	if (!a)
		field_add(t, c, word);
	for (size_t i = 0; a && i < FIELDS && a->field[i]; i++)
		field_add(t, c, str_of(a->field[i]));
}

static int columns_parse(struct requests_top *t, struct str left, struct buf *why)
{
	while (left.n) {
		const char *comma = memchr(left.p, ',', left.n);
		struct str word = { left.p, comma ? (size_t)(comma - left.p) : left.n };

		if (!word.n || t->columns == COLUMNS) {
			buf_printf(why, "--by: one to %d names, by comma", COLUMNS);
			return -EINVAL;
		}
		column_add(t, word);
		left = str_skip(left, word.n + 1);
	}
	if (!t->columns) {
		buf_str(why, STR("--by: names nothing"));
		return -EINVAL;
	}
	buf_char(&t->fields, 0);
	return t->fields.failed ? -ENOMEM : 0;
}

void requests_top_free(struct requests_top *t)
{
	if (!t)
		return;
	tally_free(t->all);
	tally_free(t->half[0]);
	tally_free(t->half[1]);
	buf_free(&t->fields);
	free(t->by);
	free(t);
}

static void top_freep(struct requests_top **t)
{
	requests_top_free(*t);
}

int requests_top_new(const struct requests_top_opts *o, struct requests_top **ret, struct buf *why)
{
	_cleanup_(top_freep) struct requests_top *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	if (o->sort && !tally_sort_parse(o->sort, &t->sort)) {
		buf_str(why, STR("--sort: count, failed, p50, p99, time or key"));
		return -EINVAL;
	}
	t->by = strdup(o->by ? o->by : TOP_BY_USUAL);
	err = t->by ? columns_parse(t, str_of(t->by), why) : -ENOMEM;
	for (int i = 0; i < 2 && !err; i++)
		err = tally_new(&t->half[i]);
	if (!err)
		err = tally_new(&t->all);
	if (err)
		return err;
	t->recent = o->recent;
	t->begun = t->halved = clock_boot();
	*ret = take_ptr(t);
	return 0;
}

void requests_top_begin(struct requests_top *t)
{
	t->begun = t->halved = clock_boot();
}

/* --- in --- */

/* What the form's open is not told. */
static struct requests_top *the_top;

struct out {
	struct requests_top *top;
	const struct field_ref *refs;
	size_t n;
};

static int top_open(const struct catalogue *c, const struct field_ref *refs, size_t n,
		    struct out **ret)
{
	struct out *o = malloc(sizeof(*o));

	(void)c;
	if (!o)
		return -ENOMEM;
	*o = (struct out){ the_top, refs, n };
	*ret = o;
	return 0;
}

static void top_close(struct out *o)
{
	free(o);
}

/* The columns, by tab; tabs in values are escaped by value_text. */
static void key_put(const struct out *o, const struct event *ev, struct buf *b)
{
	const struct field_ref *ref = o->refs;

	for (size_t i = 0; i < o->top->columns; i++) {
		const struct field_ref *end = ref + o->top->column[i].fields;
		struct value v;

		if (i)
			buf_char(b, '\t');
		while (ref < end && !ref->field->get(ev, ref, 0, &v))
			ref++;
		if (ref < end)
			value_text(b, &v);
		else
			buf_char(b, '-');
		ref = end;
	}
}

static void top_event(struct out *o, const struct event *ev, struct buf *b)
{
	char room[KEY_BYTES];
	struct buf key = { .p = room, .cap = sizeof(room), .max = sizeof(room) };
	const struct request *r = ev->body;
	struct requests_top *t = o->top;
	struct tally_request q;

	(void)b;
	if (ev->kind->id != KIND_REQUEST)
		return;
	q = (struct tally_request){ .failed = r->ok == REQ_OK_NO,
				    .unanswered = r->flags & REQ_UNANSWERED,
				    .timed = r->end.ns && !(r->flags & REQ_ONEWAY),
				    .request_bytes = r->request_bytes,
				    .response_bytes = r->response_bytes };
	q.latency_ns = request_latency_ns(r);
	if (!t->first.ns || r->start.ns < t->first.ns)
		t->first = r->start;
	if (ev->time.ns > t->last.ns)
		t->last = ev->time;
	key_put(o, ev, &key);
	if (tally_add(t->all, buf_slice(&key), &q) != 0)
		t->no_memory++;
	if (t->recent && tally_add(t->half[1], buf_slice(&key), &q) != 0)
		t->no_memory++;
}

static const struct out_ops ops = {
	.open = top_open,
	.event = top_event,
	.close = top_close,
};

void requests_top_sink(struct requests_top *t, struct sink_opts *ret)
{
	the_top = t;
	ret->ops = &ops;
	ret->fields = t->fields.p;
}

/* --- out --- */

static struct str column_of(struct str *key)
{
	const char *tab = memchr(key->p, '\t', key->n);
	struct str s = { key->p, tab ? (size_t)(tab - key->p) : key->n };

	*key = str_skip(*key, s.n + 1);
	return s;
}

/* At most @width characters, and as many when @pad. */
static void cell_put(struct buf *b, struct str s, size_t width, bool pad)
{
	size_t n = utf8_chars(s), at = 0, end = 0;

	for (; end < s.n && at < width; at++)
		for (end++; end < s.n && ((uint8_t)s.p[end] & 0xc0) == 0x80; end++)
			;
	buf_add(b, s.p, end);
	for (; pad && n < width; n++)
		buf_char(b, ' ');
}

static void ns_put(struct buf *b, uint64_t ns, bool timed)
{
	if (!timed)
		buf_printf(b, " %8s", "-");
	else
		buf_span(b, ns, 9, 1, 1);
}

static void widths_get(const struct requests_top *t, const struct tally_row *rows, size_t n,
		       size_t width[COLUMNS])
{
	for (size_t c = 0; c < t->columns; c++)
		width[c] = t->column[c].name.n;
	for (size_t i = 0; i < n; i++) {
		struct str key = rows[i].key;

		for (size_t c = 0; c < t->columns; c++) {
			size_t w = utf8_chars(column_of(&key));

			if (w > width[c])
				width[c] = w < COLUMN_MAX ? w : COLUMN_MAX;
		}
	}
}

static void table_put(const struct requests_top *t, const struct tally_row *rows, size_t n,
		      double seconds, struct buf *b)
{
	size_t width[COLUMNS];

	widths_get(t, rows, n, width);
	buf_printf(b, "%9s %7s %7s %8s %8s %8s %8s ", "REQ/S", "FAILED", "NONE", "P50", "P90",
		   "P99", "MAX");
	for (size_t c = 0; c < t->columns; c++) {
		buf_char(b, ' ');
		cell_put(b, t->column[c].name, width[c], c + 1 < t->columns);
	}
	buf_char(b, '\n');
	for (size_t i = 0; i < n; i++) {
		const struct tally_row *r = &rows[i];
		struct str key = r->key;

		buf_printf(b, "%9.1f %6.1f%% %6.1f%%", (double)r->n / seconds,
			   100.0 * (double)r->failed / (double)r->n,
			   100.0 * (double)r->unanswered / (double)r->n);
		ns_put(b, r->p50_ns, r->timed);
		ns_put(b, r->p90_ns, r->timed);
		ns_put(b, r->p99_ns, r->timed);
		ns_put(b, r->max_ns, r->timed);
		buf_char(b, ' ');
		for (size_t c = 0; c < t->columns; c++) {
			buf_char(b, ' ');
			cell_put(b, column_of(&key), width[c], c + 1 < t->columns);
		}
		buf_char(b, '\n');
	}
}

static void row_json(const struct requests_top *t, const struct tally_row *r, double seconds,
		     struct buf *b)
{
	struct str key = r->key;

	buf_str(b, STR("{\"by\":{"));
	for (size_t c = 0; c < t->columns; c++) {
		json_key(b, t->column[c].name);
		json_str(b, column_of(&key));
	}
	buf_printf(b,
		   "},\"requests\":%llu,\"per_second\":%.3f,\"failed\":%llu,\"unanswered\":%llu,"
		   "\"request_bytes\":%llu,\"response_bytes\":%llu",
		   (unsigned long long)r->n, (double)r->n / seconds, (unsigned long long)r->failed,
		   (unsigned long long)r->unanswered, (unsigned long long)r->request_bytes,
		   (unsigned long long)r->response_bytes);
	if (r->timed)
		buf_printf(b,
			   ",\"p50_ns\":%llu,\"p90_ns\":%llu,\"p99_ns\":%llu,\"max_ns\":%llu,"
			   "\"mean_ns\":%llu",
			   (unsigned long long)r->p50_ns, (unsigned long long)r->p90_ns,
			   (unsigned long long)r->p99_ns, (unsigned long long)r->max_ns,
			   (unsigned long long)(r->total_ns / r->timed));
	buf_str(b, STR("}\n"));
}

/* By the requests' own times: a replay is faster than what it replays. */
static double seconds_of(const struct requests_top *t, bool live)
{
	uint64_t ns = live ? clock_boot().ns - t->begun.ns : t->last.ns - t->first.ns;

	return ns > NS_PER_MS ? (double)ns / 1e9 : 1e-3;
}

static void notes_put(const struct requests_top *t, struct buf *b)
{
	uint64_t other = tally_other(t->all);

	if (other)
		buf_printf(b, "%llu requests of more than %d rows are counted as \"other\"\n",
			   (unsigned long long)other, TALLY_KEYS);
	if (t->no_memory)
		buf_printf(b, "%llu requests were not counted: no memory\n",
			   (unsigned long long)t->no_memory);
}

void requests_top_json(struct requests_top *t, bool live, struct buf *b)
{
	const struct tally_row *rows;
	long n = tally_rows(t->all, t->sort, &rows);
	double seconds = seconds_of(t, live);

	for (long i = 0; i < n; i++)
		row_json(t, &rows[i], seconds, b);
}

void requests_top_table(struct requests_top *t, bool live, struct buf *b)
{
	const struct tally_row *rows;
	long n = tally_rows(t->all, t->sort, &rows);
	size_t shown = n < 0 ? 0 : n < PAGE_MAX ? (size_t)n : PAGE_MAX;

	table_put(t, rows, shown, seconds_of(t, live), b);
	if (n > (long)shown)
		buf_printf(b, "and %zu more (-o json has all)\n", (size_t)n - shown);
	notes_put(t, b);
}

static void halves_turn(struct requests_top *t, struct boot_ns now)
{
	struct tally *old = t->half[0];

	if (now.ns - t->halved.ns < HALF_NS)
		return;
	t->half[0] = t->half[1];
	t->half[1] = old;
	tally_clear(old);
	t->halved = now;
}

bool requests_top_frame(struct requests_top *t, unsigned height, bool redraw, struct buf *b)
{
	struct boot_ns now = clock_boot();
	uint64_t since = t->halved.ns - t->begun.ns >= HALF_NS ? t->halved.ns - HALF_NS : t->begun.ns;
	double seconds = now.ns > since + NS_PER_MS ? (double)(now.ns - since) / 1e9 : 1e-3;
	struct tally *sum = NULL;
	const struct tally_row *rows;
	size_t room = height > 4 ? height - 4 : 1;
	long n = -ENOMEM;

	if (!redraw && now.ns - t->drawn.ns < DRAW_NS)
		return false;
	t->drawn = now;
	if (tally_new(&sum) == 0 && tally_merge(sum, t->half[0]) == 0 &&
	    tally_merge(sum, t->half[1]) == 0)
		n = tally_rows(sum, t->sort, &rows);
	buf_printf(b, "requests of the last %.0f s, q quits\n\n", seconds);
	if (n > 0)
		table_put(t, rows, (size_t)n < room ? (size_t)n : room, seconds, b);
	else
		buf_str(b, n < 0 ? STR("no memory\n") : STR("none\n"));
	tally_free(sum);
	halves_turn(t, now);
	return true;
}
