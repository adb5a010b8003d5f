/*
 * libyaml's events to a tree. Open collections stand on a stack of fixed depth; each has the link
 * where its next child goes. Marks count characters; they are turned into bytes as they come, which
 * is cheap because they nearly always go forward.
 */
#include "rule/yaml.h"

#include <errno.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/utf8.h"

struct anchor {
	struct str name;
	struct node *node;
	struct anchor *next;
};

struct reading {
	yaml_parser_t parser;
	struct pool *pool;
	const struct rule_file *file;
	struct node *open[YAML_DEPTH_MAX];
	struct node **tail[YAML_DEPTH_MAX + 1];
	unsigned depth, nanchors;
	struct anchor *anchors;
	size_t *nodes;
	size_t index, at; /* the character and byte reached */
	struct yaml_wrong *wrong;
};

static size_t offset_of(struct reading *r, size_t index)
{
	const uint8_t *p = (const uint8_t *)r->file->text.p;
	size_t n = r->file->text.n;

	for (; r->index < index && r->at < n; r->index++) {
		size_t len = utf8_char(p + r->at, n - r->at);

		r->at += len ? len : 1;
	}
	for (; r->index > index && r->at > 0; r->index--)
		do
			r->at--;
		while (r->at > 0 && (p[r->at] & 0xc0) == 0x80);
	return r->at;
}

static int wrong_at(struct reading *r, size_t at, const char *message)
{
	r->wrong->at = at;
	snprintf(r->wrong->message, sizeof(r->wrong->message), "%s", message);
	return -EINVAL;
}

static int parser_wrong(struct reading *r)
{
	const yaml_parser_t *p = &r->parser;
	size_t at = p->error == YAML_READER_ERROR ? p->problem_offset :
						    offset_of(r, p->problem_mark.index);

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	r->wrong->at = at < r->file->text.n ? at : r->file->text.n;
	snprintf(r->wrong->message, sizeof(r->wrong->message), "not YAML: %s%s%s",
		 p->problem ? p->problem : "unreadable", p->context ? " " : "",
		 p->context ? p->context : "");
	return -EINVAL;
}

static int count_up(struct reading *r, size_t at, size_t more)
{
	if (more > YAML_NODES_MAX - *r->nodes)
		return wrong_at(r, at, "more than 1048576 values, aliases counted in full");
	*r->nodes += more;
	return 0;
}

static int anchor_add(struct reading *r, const yaml_char_t *name, struct node *n)
{
	struct anchor *a;

	if (!name)
		return 0;
	if (r->nanchors++ == YAML_ANCHORS_MAX)
		return wrong_at(r, n->at, "more than 1024 anchors in one document");
	a = pool_alloc(r->pool, sizeof(*a));
	if (!a || !pool_str(r->pool, str_of((const char *)name), &a->name))
		return -ENOMEM;
	a->node = n;
	a->next = r->anchors;
	r->anchors = a;
	return 0;
}

/* Makes a node of the event's place and puts it where the next child belongs. */
static int node_add(struct reading *r, const yaml_event_t *e, enum node_kind kind, struct node **ret)
{
	size_t at = offset_of(r, e->start_mark.index);
	struct node *n;
	int err = count_up(r, at, 1);

	if (err)
		return err;
	n = pool_alloc(r->pool, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->kind = kind;
	n->file = r->file;
	n->at = (uint32_t)at;
	n->line = (uint32_t)e->start_mark.line + 1;
	n->column = (uint32_t)e->start_mark.column + 1;
	n->end = (uint32_t)offset_of(r, e->end_mark.index);
	*r->tail[r->depth] = n;
	r->tail[r->depth] = &n->next;
	*ret = n;
	return 0;
}

static bool is_null(struct str s)
{
	static const struct str nulls[] = { STR(""), STR("~"), STR("null"), STR("Null"), STR("NULL") };

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (str_eq(s, nulls[i]))
			return true;
	return false;
}

static int read_scalar(struct reading *r, const yaml_event_t *e)
{
	struct str s = { (const char *)e->data.scalar.value, e->data.scalar.length };
	struct node *n;
	int err = node_add(r, e, NODE_SCALAR, &n);

	if (err)
		return err;
	switch (e->data.scalar.style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		n->style = STYLE_SINGLE;
		break;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		n->style = STYLE_DOUBLE;
		break;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		n->style = STYLE_BLOCK;
		break;
	default:
		n->kind = is_null(s) ? NODE_NULL : NODE_SCALAR;
	}
	n->size = 1;
	if (!pool_str(r->pool, s, &n->text))
		return -ENOMEM;
	return anchor_add(r, e->data.scalar.anchor, n);
}

static int read_open(struct reading *r, const yaml_event_t *e, enum node_kind kind,
		     const yaml_char_t *anchor)
{
	struct node *n;
	int err = node_add(r, e, kind, &n);

	if (err)
		return err;
	if (r->depth == YAML_DEPTH_MAX)
		return wrong_at(r, n->at, "nested deeper than 64");
	r->open[r->depth++] = n;
	r->tail[r->depth] = &n->child;
	return anchor_add(r, anchor, n);
}

static void read_close(struct reading *r)
{
	struct node *n = r->open[--r->depth];
	uint32_t size = 1;

	for (const struct node *c = n->child; c; c = c->next)
		size += c->size;
	n->size = size;
}

static int read_alias(struct reading *r, const yaml_event_t *e)
{
	struct str name = str_of((const char *)e->data.alias.anchor);
	size_t at = offset_of(r, e->start_mark.index);
	const struct anchor *a = r->anchors;
	struct node *n, *next;
	int err;

	while (a && !str_eq(a->name, name))
		a = a->next;
	if (!a)
		return wrong_at(r, at, "an alias of an anchor that does not stand before it");
	if (a->node->size == 0)
		return wrong_at(r, at, "an alias inside of what it stands for");
	err = count_up(r, at, a->node->size - 1);
	if (!err)
		err = node_add(r, e, NODE_NULL, &n);
	if (err)
		return err;
	next = n->next;
	*n = *a->node;
	n->next = next;
	return 0;
}

static int read_event(struct reading *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		r->anchors = NULL;
		r->nanchors = 0;
		return 0;
	case YAML_SCALAR_EVENT:
		return read_scalar(r, e);
	case YAML_MAPPING_START_EVENT:
		return read_open(r, e, NODE_MAP, e->data.mapping_start.anchor);
	case YAML_SEQUENCE_START_EVENT:
		return read_open(r, e, NODE_SEQ, e->data.sequence_start.anchor);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		read_close(r);
		return 0;
	case YAML_ALIAS_EVENT:
		return read_alias(r, e);
	default:
		return 0;
	}
}

static int read_all(struct reading *r)
{
	bool end = false;
	int err = 0;

	while (!err && !end) {
		_cleanup_(yaml_event_delete) yaml_event_t e = { 0 };

		if (!yaml_parser_parse(&r->parser, &e))
			return parser_wrong(r);
		end = e.type == YAML_STREAM_END_EVENT;
		err = read_event(r, &e);
	}
	return err;
}

int yaml_read(struct pool *pool, const struct rule_file *file, size_t *nodes, struct node **ret,
	      struct yaml_wrong *wrong)
{
	struct node *documents = NULL;
	struct reading r = { .pool = pool, .file = file, .nodes = nodes, .wrong = wrong };
	int err;

	r.tail[0] = &documents;
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&r.parser, (const unsigned char *)(file->text.p ? file->text.p : ""), file->text.n);
	err = read_all(&r);
	yaml_parser_delete(&r.parser);
	if (!err)
		*ret = documents;
	return err;
}

const struct node *node_get(const struct node *map, struct str key)
{
	if (map->kind != NODE_MAP)
		return NULL;
	for (const struct node *k = map->child; k && k->next; k = k->next->next)
		if (k->kind == NODE_SCALAR && str_eq(k->text, key))
			return k->next;
	return NULL;
}

/* Places */

static bool is_inner(char c)
{
	return ((uint8_t)c & 0xc0) == 0x80;
}

/* Behind tag and anchor, block header, or opening quote. */
static size_t content_start(const struct node *s)
{
	const char *p = s->file->text.p;
	size_t i = s->at;

	while (i < s->end && (p[i] == '!' || p[i] == '&')) {
		while (i < s->end && !yaml_is_blank(p[i]))
			i++;
		while (i < s->end && yaml_is_blank(p[i]))
			i++;
	}
	if (s->style == STYLE_BLOCK)
		while (i < s->end && p[i] != '\n' && p[i] != '\r')
			i++;
	else if (s->style != STYLE_PLAIN)
		i++;
	return i;
}

/* @n hexadecimal digits, which the parser has seen to be such. */
static unsigned hex_read(const char *p, size_t n)
{
	unsigned v = 0;

	for (; n > 0; n--, p++)
		v = v << 4 | (unsigned)(*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
	return v;
}

/* raw_char, of a backslash in double quotes. */
static size_t raw_escape(const char *p, size_t n, bool *ret_blank)
{
	size_t digits = p[1] == 'x' ? 2 : p[1] == 'u' ? 4 : p[1] == 'U' ? 8 : 0;
	unsigned c;

	*ret_blank = p[1] == 'n' || p[1] == 'r' || p[1] == 't' || yaml_is_blank(p[1]);
	if (digits == 0 || digits + 2 > n)
		return 2;
	c = hex_read(p + 2, digits);
	*ret_blank = c < 0x80 && yaml_is_blank((char)c);
	return digits + 2;
}

/* Bytes that stand for one character of the value at @p; *ret_blank: it is a blank there. */
static size_t raw_char(const struct node *s, const char *p, size_t n, bool *ret_blank)
{
	size_t len = 1;

	*ret_blank = yaml_is_blank(p[0]);
	if (s->style == STYLE_SINGLE && p[0] == '\'')
		return 2;
	if (s->style == STYLE_DOUBLE && p[0] == '\\' && n > 1)
		return raw_escape(p, n, ret_blank);
	while (len < n && is_inner(p[len]))
		len++;
	return len;
}

size_t node_offset(const struct node *s, size_t off)
{
	const char *p = s->file->text.p;
	size_t wanted = 0, i, behind;
	bool blank;

	for (size_t k = 0; k < off && k < s->text.n; k++)
		wanted += !yaml_is_blank(s->text.p[k]) && !is_inner(s->text.p[k]);
	behind = i = content_start(s);
	while (i < s->end) {
		size_t len = raw_char(s, p + i, s->end - i, &blank);

		if (!blank && wanted-- == 0)
			return i;
		i += len;
		if (!blank)
			behind = i;
	}
	return behind < s->end ? behind : s->end;
}
