/* The table, and the four ways in which a field may be written. */
#include "proto/http2/hpack.h"

#include "base/cur.h"

#define ENTRY_COST   32 /* RFC 7541, 4.1 */
#define STATIC_LAST  61
#define INTEGER_BITS 28

/* clang-format off */
static const struct { struct str name, value; } statics[STATIC_LAST + 1] = {
#define S(name, value) { { name, sizeof(name) - 1 }, { value, sizeof(value) - 1 } }
	S("", ""), /* there is no index 0 */
	S(":authority", ""), S(":method", "GET"), S(":method", "POST"), S(":path", "/"), S(":path", "/index.html"),
	S(":scheme", "http"), S(":scheme", "https"), S(":status", "200"), S(":status", "204"), S(":status", "206"),
	S(":status", "304"), S(":status", "400"), S(":status", "404"), S(":status", "500"), S("accept-charset", ""),
	S("accept-encoding", "gzip, deflate"), S("accept-language", ""), S("accept-ranges", ""), S("accept", ""),
	S("access-control-allow-origin", ""), S("age", ""), S("allow", ""), S("authorization", ""),
	S("cache-control", ""), S("content-disposition", ""), S("content-encoding", ""), S("content-language", ""),
	S("content-length", ""), S("content-location", ""), S("content-range", ""), S("content-type", ""),
	S("cookie", ""), S("date", ""), S("etag", ""), S("expect", ""), S("expires", ""), S("from", ""), S("host", ""),
	S("if-match", ""), S("if-modified-since", ""), S("if-none-match", ""), S("if-range", ""),
	S("if-unmodified-since", ""), S("last-modified", ""), S("link", ""), S("location", ""), S("max-forwards", ""),
	S("proxy-authenticate", ""), S("proxy-authorization", ""), S("range", ""), S("referer", ""), S("refresh", ""),
	S("retry-after", ""), S("server", ""), S("set-cookie", ""), S("strict-transport-security", ""),
	S("transfer-encoding", ""), S("user-agent", ""), S("vary", ""), S("via", ""), S("www-authenticate", ""),
#undef S
};
/* clang-format on */

/* A name or a value; `n` is its true length also when it is unknown or cut; UINT32_MAX: not even that. */
struct text {
	struct str s;
	size_t n;
};

#define UNKNOWN ((struct text){ STR_NONE, SIZE_MAX })

/* --- the table --- */

static struct hpack_entry *entry_at(struct hpack *h, size_t i)
{
	return &h->entry[(h->first + i) % HPACK_ENTRIES];
}

static void table_clear(struct hpack *h)
{
	h->n = h->text_n = 0;
	h->size = 0;
}

void hpack_known(struct hpack *h)
{
	table_clear(h);
	h->complete = true;
}

void hpack_lost(struct hpack *h)
{
	table_clear(h);
	h->complete = false;
}

static void table_drop_oldest(struct hpack *h)
{
	struct hpack_entry *e = entry_at(h, h->n - 1u);

	h->size -= e->size;
	h->n--;
}

/* Texts lie in the order of their age; those of dropped entries are at the front. */
static void text_compact(struct hpack *h)
{
	size_t i = h->n, from;

	while (i > 0 && !entry_at(h, i - 1)->kept)
		i--;
	from = i ? entry_at(h, i - 1)->at : h->text_n;
	memmove(h->text, h->text + from, h->text_n - from);
	h->text_n = (uint16_t)(h->text_n - from);
	for (i = 0; i < h->n; i++)
		if (entry_at(h, i)->kept)
			entry_at(h, i)->at = (uint16_t)(entry_at(h, i)->at - from);
}

/* The oldest texts are given up; their entries stay and are unknown. */
static bool text_room(struct hpack *h, size_t n)
{
	if (n > HPACK_TEXT)
		return false;
	if (n <= HPACK_TEXT - (size_t)h->text_n)
		return true;
	text_compact(h);
	for (size_t i = h->n; i > 0 && n > HPACK_TEXT - (size_t)h->text_n; i--) {
		if (!entry_at(h, i - 1)->kept)
			continue;
		entry_at(h, i - 1)->kept = false;
		text_compact(h);
	}
	return n <= HPACK_TEXT - (size_t)h->text_n;
}

static uint32_t table_max(const struct hpack *h)
{
	return h->max_set ? h->max : HPACK_TABLE;
}

static void table_shrink(struct hpack *h, size_t to)
{
	while (h->complete && h->n && h->size > to)
		table_drop_oldest(h);
}

/*
 * In a table that is not complete nothing is dropped for its size, which is unknown: nobody refers to what
 * the other end has dropped.
 */
static void table_add(struct hpack *h, const struct text *name, const struct text *value, bool keep)
{
	size_t size = name->n == SIZE_MAX || value->n == SIZE_MAX ? 0 :
								    name->n + value->n + ENTRY_COST;
	struct hpack_entry *e;

	if (h->complete && size > table_max(h)) {
		table_clear(h);
		return;
	}
	table_shrink(h, table_max(h) - (h->complete ? size : 0));
	if (h->n == HPACK_ENTRIES) {
		table_drop_oldest(h);
		h->complete = false;
	}
	/* Room first: it looks at the entries that there are. */
	keep = keep && name->s.p && value->s.p && name->s.n == name->n && value->s.n == value->n &&
	       text_room(h, name->n + value->n);
	h->first = (uint16_t)((h->first + HPACK_ENTRIES - 1) % HPACK_ENTRIES);
	h->n++;
	h->size += (uint32_t)size;
	e = entry_at(h, 0);
	*e = (struct hpack_entry){ .size = (uint32_t)size, .kept = keep };
	if (!keep)
		return;
	e->at = h->text_n;
	e->name_n = (uint16_t)name->n;
	e->value_n = (uint16_t)value->n;
	memcpy(h->text + e->at, name->s.p, name->n);
	memcpy(h->text + e->at + name->n, value->s.p, value->n);
	h->text_n = (uint16_t)(h->text_n + name->n + value->n);
}

/* False: there is no such entry. */
static bool table_get(struct hpack *h, uint32_t index, struct text *ret_name, struct text *ret_value)
{
	const struct hpack_entry *e;

	if (index == 0)
		return false;
	if (index <= STATIC_LAST) {
		*ret_name = (struct text){ statics[index].name, statics[index].name.n };
		*ret_value = (struct text){ statics[index].value, statics[index].value.n };
		return true;
	}
	index -= STATIC_LAST + 1;
	*ret_name = *ret_value = UNKNOWN;
	if (index >= h->n)
		return !h->complete;
	e = entry_at(h, index);
	if (!e->kept) /* the two together; enough for the size of the list */
		return true;
	*ret_name = (struct text){ { h->text + e->at, e->name_n }, e->name_n };
	*ret_value = (struct text){ { h->text + e->at + e->name_n, e->value_n }, e->value_n };
	return true;
}

/* --- one block --- */

struct block {
	struct hpack *h;
	struct cur c;
	const struct hpack_sink *sink;
	size_t list; /* size so far */
	bool fields; /* there was one: no size update any more */
	char name[HPACK_FIELD], value[HPACK_FIELD];
};

/* RFC 7541, 5.1: the low @prefix bits of @first, then 7 bits a byte. */
static const char *integer(struct cur *c, uint8_t first, unsigned prefix, uint32_t *ret)
{
	uint32_t mask = (1u << prefix) - 1, v = first & mask;
	uint8_t byte = 0x80;

	for (unsigned shift = 0; v >= mask && byte & 0x80; shift += 7) {
		if (shift >= INTEGER_BITS)
			return "hpack-integer";
		if (!cur_u8(c, &byte))
			return "hpack-short";
		v += (uint32_t)(byte & 0x7f) << shift;
		mask = 0; /* whatever v is: on while there is a high bit */
	}
	*ret = v;
	return NULL;
}

static const char *string(struct cur *c, char *room, struct text *ret)
{
	const char *wrong;
	struct str s;
	uint32_t n;
	uint8_t first;

	if (!cur_u8(c, &first))
		return "hpack-short";
	wrong = integer(c, first, 7, &n);
	if (wrong)
		return wrong;
	if (!cur_str(c, n, &s))
		return "hpack-string";
	*ret = (struct text){ s, s.n };
	if (!(first & 0x80))
		return NULL;
	if (!hpack_huffman(s, room, HPACK_FIELD, &ret->n))
		return "hpack-huffman";
	ret->s = (struct str){ room, ret->n < HPACK_FIELD ? ret->n : HPACK_FIELD };
	return NULL;
}

static const char *block_tell(struct block *b, const struct text *name, const struct text *value)
{
	b->fields = true;
	b->list += ENTRY_COST;
	b->list += name->n == SIZE_MAX ? 0 : name->n;
	b->list += value->n == SIZE_MAX ? 0 : value->n;
	if (b->list > HPACK_LIST_MAX)
		return "header-list";
	b->sink->field(b->sink->ctx, name->s, value->s);
	return NULL;
}

static const char *indexed(struct block *b, uint8_t first)
{
	struct text name, value;
	uint32_t index;
	const char *wrong = integer(&b->c, first, 7, &index);

	if (wrong)
		return wrong;
	if (!table_get(b->h, index, &name, &value))
		return "hpack-index";
	if (!name.s.p && index - STATIC_LAST - 1 < b->h->n)
		b->list += entry_at(b->h, index - STATIC_LAST - 1)->size;
	return block_tell(b, &name, &value);
}

static void name_guess(const struct hpack_sink *sink, const struct text *value, struct text *name)
{
	struct str s = sink->guess(sink->ctx, value->s);

	if (s.p)
		*name = (struct text){ s, s.n };
}

static const char *literal(struct block *b, uint8_t first, unsigned prefix, bool add)
{
	struct text name, value, unused;
	uint32_t index;
	const char *wrong = integer(&b->c, first, prefix, &index);

	if (!wrong && index == 0)
		wrong = string(&b->c, b->name, &name);
	else if (!wrong && !table_get(b->h, index, &name, &unused))
		wrong = "hpack-index";
	if (!wrong)
		wrong = string(&b->c, b->value, &value);
	if (!wrong && !name.s.p && b->sink->guess)
		name_guess(b->sink, &value, &name);
	if (!wrong)
		wrong = block_tell(b, &name, &value);
	if (wrong || !add)
		return wrong;
	/* The name may lie in the table, which is about to move. */
	if (name.s.p >= b->h->text && name.s.p < b->h->text + HPACK_TEXT) {
		memcpy(b->name, name.s.p, name.s.n);
		name.s.p = b->name;
	}
	table_add(b->h, &name, &value, !b->sink->keep || (name.s.p && b->sink->keep(name.s)));
	return NULL;
}

static const char *resize(struct block *b, uint8_t first)
{
	struct hpack *h = b->h;
	uint32_t allowed = h->allowed > HPACK_TABLE ? h->allowed : HPACK_TABLE, max;
	const char *wrong = integer(&b->c, first, 5, &max);

	if (wrong)
		return wrong;
	if (b->fields || max > (h->complete ? allowed : HPACK_TABLE_MAX))
		return "hpack-table-size";
	h->max = max;
	h->max_set = true;
	if (max == 0)
		hpack_known(h);
	table_shrink(h, max);
	return NULL;
}

static const char *block_read(struct block *b)
{
	const char *wrong = NULL;
	uint8_t first;

	while (!wrong && cur_u8(&b->c, &first)) {
		if (first & 0x80)
			wrong = indexed(b, first);
		else if (first & 0x40)
			wrong = literal(b, first, 6, true);
		else if (first & 0x20)
			wrong = resize(b, first);
		else
			wrong = literal(b, first, 4, false);
	}
	return wrong;
}

const char *hpack_read(struct hpack *h, struct str block, const struct hpack_sink *sink)
{
	struct block b; /* not zeroed: it is large */
	const char *wrong;

	b.h = h;
	b.c = cur_of(block.p, block.n);
	b.sink = sink;
	b.list = 0;
	b.fields = false;
	wrong = block_read(&b);
	if (wrong)
		hpack_lost(h);
	return wrong;
}
