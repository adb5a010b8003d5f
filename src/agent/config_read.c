/*
 * YAML to configuration, on libyaml's events: a mapping of sections, each a mapping of keys, each a
 * scalar or (kinds) a list of scalars. Anything else ends with one error, at its place. Nothing is
 * kept of the document but the values, and reading stops at the first thing that is wrong, so depth
 * and memory are bounded by the file's size.
 */
#include <errno.h>
#include <fcntl.h>
#include <yaml.h>

#include "agent/config_table.h"
#include "base/cleanup.h"
#include "base/near.h"
#include "base/utf8.h"

#define KEY_BYTES 256
#define WINDOW	  100 /* bytes of a line that an error shows */

struct reading {
	yaml_parser_t parser;
	struct str text;
	const char *name;
	struct config config;
	struct buf *why;
	char section[KEY_BYTES];
	bool seen[CONFIG_KEYS_MAX];
	bool inside;	/* the top mapping, or behind it */
	bool documents; /* one has begun */
};

/* Bytes of the line break at p (1 to 3), or 0: those that YAML knows, so that lines count alike. */
static size_t break_at(const char *p, size_t n)
{
	if (p[0] == '\r' && n > 1 && p[1] == '\n')
		return 2;
	if (p[0] == '\n' || p[0] == '\r')
		return 1;
	if (n > 1 && memcmp(p, "\xc2\x85", 2) == 0)
		return 2;
	if (n > 2 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

/* Cuts the first line, without its break, off @rest. */
static struct str line_next(struct str *rest)
{
	struct str line = { rest->p, 0 };
	size_t n = 0;

	while (line.n < rest->n && (n = break_at(rest->p + line.n, rest->n - line.n)) == 0)
		line.n++;
	*rest = str_skip(*rest, line.n + n);
	return line;
}

/* Line @n (from 0) of the text, without its end. */
static struct str line_at(struct str text, size_t n)
{
	struct str line = { text.p, 0 };

	for (size_t i = 0; i <= n && text.p; i++)
		line = line_next(&text);
	return line;
}

/* Characters to bytes. */
static size_t bytes_of(struct str s, size_t chars)
{
	size_t at = 0;

	while (chars-- && at < s.n) {
		size_t n = utf8_char((const uint8_t *)s.p + at, s.n - at);

		at += n ? n : 1;
	}
	return at;
}

/* The line with a caret below @column; of a long line the part around it. */
static void caret_print(struct buf *b, struct str line, size_t column)
{
	_cleanup_(buf_free) struct buf before = { 0 };
	size_t at = bytes_of(line, column), from = at > WINDOW / 2 ? at - WINDOW / 2 : 0, to;

	while (from && from < at && ((unsigned char)line.p[from] & 0xc0) == 0x80)
		from++;
	to = line.n - from > WINDOW ? from + WINDOW : line.n;
	while (to < line.n && ((unsigned char)line.p[to] & 0xc0) == 0x80)
		to++;
	buf_str(b, STR("\n  "));
	buf_text(b, (struct str){ line.p + from, to - from });
	buf_text(&before, (struct str){ line.p + from, at - from });
	buf_printf(b, "\n  %*s^", (int)utf8_chars(buf_slice(&before)), "");
}

static void place_print(struct reading *r, yaml_mark_t at)
{
	buf_text(r->why, str_of(r->name));
	buf_printf(r->why, ":%zu:%zu: ", at.line + 1, at.column + 1);
}

static int wrong_end(struct reading *r, yaml_mark_t at)
{
	struct str line = line_at(r->text, at.line);

	if (line.p)
		caret_print(r->why, line, at.column);
	return -EINVAL;
}

static int wrong(struct reading *r, yaml_mark_t at, const char *message)
{
	place_print(r, at);
	buf_str(r->why, str_of(message));
	return wrong_end(r, at);
}

/* Bytes from the start as line and column, for errors of the reader. */
static yaml_mark_t mark_of(struct str text, size_t offset)
{
	yaml_mark_t at = { 0 };
	const char *end = text.p + (offset < text.n ? offset : text.n);
	struct str rest = text, line = line_next(&rest);

	while (rest.n && rest.p <= end) {
		line = line_next(&rest);
		at.line++;
	}
	at.column = utf8_chars((struct str){ line.p, (size_t)(end - line.p) });
	return at;
}

static int yaml_wrong(struct reading *r)
{
	yaml_parser_t *p = &r->parser;
	_cleanup_(buf_free) struct buf m = { 0 };
	yaml_mark_t at = p->error == YAML_READER_ERROR ? mark_of(r->text, p->problem_offset) :
							 p->problem_mark;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	buf_printf(&m, "not YAML: %s%s%s%c", p->problem ? p->problem : "unreadable",
		   p->context ? " " : "", p->context ? p->context : "", '\0');
	return m.failed ? -ENOMEM : wrong(r, at, m.p);
}

/* The next event, the caller's to delete. Aliases, anchors and tags are refused here. */
static int event_next(struct reading *r, yaml_event_t *ret)
{
	yaml_event_t e;
	bool named, tagged;

	if (!yaml_parser_parse(&r->parser, &e))
		return yaml_wrong(r);
	named = (e.type == YAML_SCALAR_EVENT && e.data.scalar.anchor) ||
		(e.type == YAML_MAPPING_START_EVENT && e.data.mapping_start.anchor) ||
		(e.type == YAML_SEQUENCE_START_EVENT && e.data.sequence_start.anchor);
	tagged = (e.type == YAML_SCALAR_EVENT && e.data.scalar.tag) ||
		 (e.type == YAML_MAPPING_START_EVENT && e.data.mapping_start.tag) ||
		 (e.type == YAML_SEQUENCE_START_EVENT && e.data.sequence_start.tag);
	if (e.type == YAML_ALIAS_EVENT || named || tagged) {
		yaml_mark_t at = e.start_mark;

		yaml_event_delete(&e);
		return wrong(r, at,
			     tagged ? "tags are not used here" :
				      "anchors and aliases are not used here");
	}
	*ret = e;
	return 0;
}

static struct str scalar_of(const yaml_event_t *e)
{
	return (struct str){ (const char *)e->data.scalar.value, e->data.scalar.length };
}

static struct str shortened(struct str s)
{
	return (struct str){ s.p, s.n < WINDOW ? s.n : WINDOW };
}

static int key_wrong(struct reading *r, yaml_mark_t at, struct str name)
{
	const struct config_key *best = &config_keys[0];
	unsigned best_edits = UINT32_MAX;

	for (size_t i = 0; i < config_keys_n; i++) {
		unsigned e = near_edits(name, str_of(config_keys[i].name));

		if (e < best_edits) {
			best_edits = e;
			best = &config_keys[i];
		}
	}
	place_print(r, at);
	buf_str(r->why, STR("unknown key "));
	buf_text(r->why, shortened(name));
	buf_printf(r->why, "; the nearest is %s", best->name);
	return wrong_end(r, at);
}

/* The part of a key's name before the dot. */
static struct str section_of(const struct config_key *k)
{
	return (struct str){ k->name, strcspn(k->name, ".") };
}

static int section_wrong(struct reading *r, yaml_mark_t at, struct str name)
{
	struct str best = section_of(&config_keys[0]);
	unsigned best_edits = UINT32_MAX;

	place_print(r, at);
	buf_str(r->why, STR("unknown section "));
	buf_text(r->why, shortened(name));
	for (size_t i = 0; i < config_keys_n; i++) {
		struct str section = section_of(&config_keys[i]);
		unsigned e = near_edits(name, section);

		if (str_eq(name, str_of(config_keys[i].name))) {
			buf_printf(r->why,
				   "; write %s below %.*s:", config_keys[i].name + section.n + 1,
				   STR_ARG(section));
			return wrong_end(r, at);
		}
		if (e < best_edits) {
			best_edits = e;
			best = section;
		}
	}
	buf_printf(r->why, "; the nearest is %.*s", STR_ARG(best));
	return wrong_end(r, at);
}

static int value_wrong(struct reading *r, yaml_mark_t at, const struct config_key *k)
{
	place_print(r, at);
	buf_printf(r->why, "%s: expected ", k->name);
	config_expected(k, r->why);
	return wrong_end(r, at);
}

static int list_read(struct reading *r, const struct config_key *k)
{
	for (;;) {
		_cleanup_(yaml_event_delete) yaml_event_t e = { 0 };
		int err = event_next(r, &e);

		if (err)
			return err;
		if (e.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (e.type != YAML_SCALAR_EVENT || config_set(k, scalar_of(&e), &r->config) != 0)
			return value_wrong(r, e.start_mark, k);
	}
}

static int value_read(struct reading *r, const struct config_key *k)
{
	_cleanup_(yaml_event_delete) yaml_event_t e = { 0 };
	int err = event_next(r, &e);

	if (err)
		return err;
	config_clear(k, &r->config);
	if (e.type == YAML_SEQUENCE_START_EVENT && config_takes_list(k))
		return list_read(r, k);
	if (e.type != YAML_SCALAR_EVENT || config_set(k, scalar_of(&e), &r->config) != 0)
		return value_wrong(r, e.start_mark, k);
	return 0;
}

static int key_read(struct reading *r, const yaml_event_t *e)
{
	char name[2 * KEY_BYTES];
	struct str full;

	if (e->type != YAML_SCALAR_EVENT)
		return wrong(r, e->start_mark, "expected the name of a key");
	snprintf(name, sizeof(name), "%s.%.*s", r->section,
		 scalar_of(e).n < KEY_BYTES ? (int)scalar_of(e).n : KEY_BYTES - 1, scalar_of(e).p);
	full = str_of(name);
	for (size_t i = 0; i < config_keys_n && i < CONFIG_KEYS_MAX; i++) {
		if (!str_eq(full, str_of(config_keys[i].name)) ||
		    scalar_of(e).n + strlen(r->section) + 1 != full.n)
			continue;
		if (r->seen[i])
			return wrong(r, e->start_mark, "this key stands here for the second time");
		r->seen[i] = true;
		return value_read(r, &config_keys[i]);
	}
	return key_wrong(r, e->start_mark, full);
}

static bool section_known(struct str name)
{
	for (size_t i = 0; i < config_keys_n; i++)
		if (str_eq(name, section_of(&config_keys[i])))
			return true;
	return false;
}

static int section_read(struct reading *r, const yaml_event_t *head)
{
	_cleanup_(yaml_event_delete) yaml_event_t open = { 0 };
	int err;

	if (head->type != YAML_SCALAR_EVENT)
		return wrong(r, head->start_mark, "expected the name of a section");
	if (!section_known(scalar_of(head)))
		return section_wrong(r, head->start_mark, scalar_of(head));
	snprintf(r->section, sizeof(r->section), "%.*s", STR_ARG(scalar_of(head)));
	err = event_next(r, &open);
	if (!err && open.type != YAML_MAPPING_START_EVENT)
		err = wrong(r, open.start_mark, "expected keys of this section, each as key: value");
	while (!err) {
		_cleanup_(yaml_event_delete) yaml_event_t e = { 0 };

		err = event_next(r, &e);
		if (!err && e.type == YAML_MAPPING_END_EVENT)
			break;
		if (!err)
			err = key_read(r, &e);
	}
	return err;
}

static int document_start(struct reading *r, const yaml_event_t *e)
{
	if (r->documents)
		return wrong(r, e->start_mark, "only one document is read");
	r->documents = true;
	return 0;
}

/* One event at the top level. 1: the text has ended. */
static int top_read(struct reading *r, const yaml_event_t *e)
{
	bool empty = e->type == YAML_SCALAR_EVENT && e->data.scalar.length == 0 &&
		     e->data.scalar.plain_implicit;

	if (e->type == YAML_STREAM_END_EVENT)
		return 1;
	if (e->type == YAML_DOCUMENT_START_EVENT)
		return document_start(r, e);
	if (e->type == YAML_STREAM_START_EVENT || e->type == YAML_DOCUMENT_END_EVENT)
		return 0;
	if (r->inside)
		return e->type == YAML_MAPPING_END_EVENT ? 0 : section_read(r, e);
	if (e->type != YAML_MAPPING_START_EVENT && !empty)
		return wrong(r, e->start_mark, "expected sections, each as name: and its keys");
	r->inside = true;
	return 0;
}

static int reading_run(struct reading *r)
{
	int err = 0;

	while (err == 0) {
		_cleanup_(yaml_event_delete) yaml_event_t e = { 0 };

		err = event_next(r, &e);
		if (!err)
			err = top_read(r, &e);
	}
	return err < 0 ? err : 0;
}

int config_parse(struct str text, const char *name, struct config *ret, struct buf *why)
{
	struct reading r = { .text = text, .name = name, .why = why };
	int err;

	if (text.n > CONFIG_BYTES_MAX) {
		buf_printf(why, "%s: longer than %u bytes", name, CONFIG_BYTES_MAX);
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""),
				     text.n);
	config_default(&r.config);
	err = reading_run(&r);
	yaml_parser_delete(&r.parser);
	if (!err)
		memcpy(ret, &r.config, sizeof(*ret));
	return err;
}

/* One byte more than is allowed is read, so that too much is seen. */
static int file_read(int fd, struct buf *b)
{
	while (b->n <= CONFIG_BYTES_MAX) {
		char *to = buf_grow(b, 16384);
		ssize_t n = to ? read(fd, to, 16384) : 0;

		if (!to)
			return -ENOMEM;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		b->n += (size_t)n;
	}
	return 0;
}

int config_read(const char *path, struct config *ret, struct buf *why)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err = fd < 0 ? -errno : file_read(fd, &b);

	if (err) {
		buf_printf(why, "%s: %s", path, strerror(-err));
		return err;
	}
	return config_parse(buf_slice(&b), path, ret, why);
}
