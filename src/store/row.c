/* Rows as bytes: appending costs a copy of each value and no allocation of its own. */
#include "store/row.h"

#include "base/utf8.h"

#define REPLACED "\xef\xbf\xbd" /* U+FFFD */

struct row row_begin(struct buf *b, enum store_table_id table, int64_t time)
{
	const struct row_head h = { .table = (uint16_t)table, .time = time };
	struct row r = { .b = b, .at = b->n };

	buf_add(b, &h, sizeof(h));
	return r;
}

static void head_get(const struct row *r, struct row_head *ret)
{
	memcpy(ret, r->b->p + r->at, sizeof(*ret));
}

static void head_put(const struct row *r, const struct row_head *h)
{
	memcpy(r->b->p + r->at, h, sizeof(*h));
}

void row_null(struct row *r)
{
	buf_char(r->b, ROW_NULL);
	r->values++;
}

void row_int(struct row *r, int64_t v)
{
	buf_char(r->b, ROW_INT);
	buf_add(r->b, &v, sizeof(v));
	r->values++;
}

void row_u64(struct row *r, uint64_t v)
{
	row_int(r, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

/* Eight characters of ASCII, none of them NUL? */
static bool plain8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return !((v | (v - 0x0101010101010101ull)) & 0x8080808080808080ull);
}

/* How much of @s is valid UTF-8 without NUL. */
static size_t sound(struct str s)
{
	size_t i = 0, n;

	for (;;) {
		while (s.n - i >= 8 && plain8(s.p + i))
			i += 8;
		if (i == s.n || !s.p[i])
			return i;
		n = utf8_char((const uint8_t *)s.p + i, s.n - i);
		if (!n)
			return i;
		i += n;
	}
}

/* At most @max bytes, whole characters. */
static size_t text_put(struct buf *b, struct str s, size_t max)
{
	const size_t start = b->n;

	while (s.n) {
		size_t n = sound(s);

		while (n && b->n - start + n > max)
			for (n--; n && (s.p[n] & 0xc0) == 0x80;)
				n--;
		buf_add(b, s.p, n);
		s = str_skip(s, n);
		if (!s.n || sound(s))
			break;
		if (b->n - start + sizeof(REPLACED) - 1 > max)
			break;
		buf_str(b, STR(REPLACED));
		s = str_skip(s, 1);
	}
	return s.n;
}

void row_text(struct row *r, struct str s)
{
	const size_t at = r->b->n + 1;
	uint32_t n = 0;

	if (!s.p) {
		row_null(r);
		return;
	}
	buf_char(r->b, ROW_TEXT);
	buf_add(r->b, &n, sizeof(n));
	if (text_put(r->b, s, STORE_TEXT_MAX)) {
		buf_str(r->b, STR("..."));
		r->cut++;
	}
	r->values++;
	if (r->b->failed)
		return;
	n = (uint32_t)(r->b->n - at - sizeof(n));
	memcpy(r->b->p + at, &n, sizeof(n));
}

void row_json(struct row *r, struct str s)
{
	uint32_t n = (uint32_t)s.n;

	if (!s.p || s.n > STORE_JSON_MAX) {
		r->cut += s.p != NULL;
		row_null(r);
		return;
	}
	buf_char(r->b, ROW_TEXT);
	buf_add(r->b, &n, sizeof(n));
	buf_str(r->b, s);
	r->values++;
}

void row_own_end(struct row *r)
{
	struct row_head h;

	if (r->b->failed)
		return;
	head_get(r, &h);
	h.own = (uint32_t)(r->b->n - r->at - sizeof(h));
	head_put(r, &h);
}

bool row_end(struct row *r)
{
	struct row_head h;

	if (r->b->failed) {
		r->b->n = r->at;
		r->b->failed = false;
		return false;
	}
	head_get(r, &h);
	h.bytes = (uint32_t)(r->b->n - r->at);
	h.values = (uint16_t)r->values;
	head_put(r, &h);
	return true;
}

static void value_put(struct row *r, const struct value *v)
{
	char text[512];
	struct buf b = { .p = text, .cap = sizeof(text), .max = sizeof(text) };

	switch (v->type) {
	case VALUE_STR:
		row_text(r, v->str);
		break;
	case VALUE_I64:
		row_int(r, v->i64);
		break;
	case VALUE_BOOL:
		row_int(r, v->b);
		break;
	case VALUE_IP:
	case VALUE_LIST:
		value_text(&b, v);
		row_text(r, b.failed ? STR_NONE : buf_slice(&b));
		break;
	default:
		row_u64(r, v->u64);
	}
}

static void field_put(struct row *r, const struct store_column *c, const struct event *ev)
{
	const struct field_ref ref = { .field = c->field };
	struct value v;

	if (field_of_kind(&ref, ev) && c->field->get(ev, &ref, 0, &v))
		value_put(r, &v);
	else
		row_null(r);
}

bool row_event(struct buf *b, const struct store_schema *s, enum store_table_id table,
	       const struct event *ev, uint64_t *cut)
{
	const struct store_table *t = &s->tables[table];
	const int64_t wall = (int64_t)ev->time.ns + (ev->host ? ev->host->boot_to_wall_ns : 0);
	struct row r = row_begin(b, table, wall);

	for (size_t i = 0; i < t->nown; i++)
		field_put(&r, &t->columns[i], ev);
	row_own_end(&r);
	for (size_t i = t->nown; i < t->n; i++)
		field_put(&r, &t->columns[i], ev);
	*cut += r.cut;
	return row_end(&r);
}

bool row_read(struct cur *c, struct row_head *ret, struct cur *ret_own, struct cur *ret_who)
{
	struct row_head h;
	struct cur all, own;

	if (!cur_copy(c, &h, sizeof(h)) || h.bytes < sizeof(h) || h.table >= STORE_TABLES ||
	    !cur_sub(c, h.bytes - sizeof(h), &all) || !cur_sub(&all, h.own, &own))
		return false;
	*ret = h;
	*ret_own = own;
	*ret_who = all;
	return true;
}

bool row_value_read(struct cur *c, struct row_value *ret)
{
	struct row_value v = { 0 };
	uint8_t type;
	uint32_t n;

	if (!cur_copy(c, &type, 1))
		return false;
	v.type = type;
	if (type == ROW_INT && !cur_copy(c, &v.i64, sizeof(v.i64)))
		return false;
	if (type == ROW_TEXT && (!cur_copy(c, &n, sizeof(n)) || !cur_str(c, n, &v.str)))
		return false;
	if (type > ROW_TEXT)
		return false;
	*ret = v;
	return true;
}
