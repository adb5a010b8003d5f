/*
 * One table of a request's members serves writing and reading. JSON is jansson's, which bounds
 * depth; size is bounded before it is asked.
 */
#include "api/question.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/json.h"

#define REPLY_TEXTS_MAX 256

enum member_type {
	MEMBER_STR,
	MEMBER_U64,
	MEMBER_BOOL,
};

static const struct member {
	const char *name;
	enum member_type type;
	size_t offset;
	uint64_t max;
} members[] = {
#define M(member, type, max) { #member, type, offsetof(struct question, member), max }
	M(cmd, MEMBER_STR, 0),	  M(kinds, MEMBER_STR, 0),	   M(where, MEMBER_STR, 0),
	M(pod, MEMBER_STR, 0),	  M(container, MEMBER_STR, 0),	   M(pid, MEMBER_U64, UINT32_MAX),
	M(tree, MEMBER_BOOL, 0),  M(json, MEMBER_BOOL, 0),	   M(fields, MEMBER_STR, 0),
	M(format, MEMBER_STR, 0), M(count, MEMBER_U64, INT64_MAX), M(by, MEMBER_STR, 0),
	M(sort, MEMBER_STR, 0),	  M(form, MEMBER_STR, 0),	   M(wide, MEMBER_BOOL, 0),
	M(raw, MEMBER_BOOL, 0),	  M(explain, MEMBER_BOOL, 0),	   M(pages, MEMBER_BOOL, 0),
#undef M
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static void json_decref_p(json_t **j)
{
	json_decref(*j);
}

static void member_print(const struct member *m, const void *at, struct buf *b)
{
	const char *text = m->type == MEMBER_STR ? *(const char *const *)at : NULL;

	if (m->type == MEMBER_STR && text) {
		json_key(b, str_of(m->name));
		json_str(b, str_of(text));
	} else if (m->type == MEMBER_U64 && *(const uint64_t *)at) {
		json_key(b, str_of(m->name));
		buf_u64(b, *(const uint64_t *)at);
	} else if (m->type == MEMBER_BOOL && *(const bool *)at) {
		json_key(b, str_of(m->name));
		buf_str(b, STR("true"));
	}
}

void question_print(const struct question *r, struct buf *b)
{
	buf_char(b, '{');
	for (size_t i = 0; i < MEMBERS; i++)
		member_print(&members[i], (const char *)r + members[i].offset, b);
	buf_str(b, STR("}\n"));
}

void question_free(struct question *r)
{
	for (size_t i = 0; i < MEMBERS; i++)
		if (members[i].type == MEMBER_STR)
			free(*(char **)((char *)r + members[i].offset));
	*r = (struct question){ 0 };
}

static int str_set(const json_t *v, char **at)
{
	char *copy;

	if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
		return -EINVAL;
	copy = strdup(json_string_value(v));
	if (!copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

static int member_set(const struct member *m, const json_t *v, void *at)
{
	if (m->type == MEMBER_STR)
		return str_set(v, at);
	if (m->type == MEMBER_BOOL) {
		if (!json_is_boolean(v))
			return -EINVAL;
		*(bool *)at = json_is_true(v);
		return 0;
	}
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) > m->max)
		return -EINVAL;
	*(uint64_t *)at = (uint64_t)json_integer_value(v);
	return 0;
}

static const char *const type_names[] = {
	[MEMBER_STR] = "a string", [MEMBER_U64] = "a whole number", [MEMBER_BOOL] = "true or false"
};

static int pair_set(const char *key, const json_t *v, struct question *r, struct buf *why)
{
	int err;

	for (size_t i = 0; i < MEMBERS; i++) {
		if (strcmp(members[i].name, key) != 0)
			continue;
		err = member_set(&members[i], v, (char *)r + members[i].offset);
		if (err == -EINVAL)
			buf_printf(why, "request: \"%s\" must be %s", key,
				   type_names[members[i].type]);
		return err;
	}
	buf_str(why, STR("request: unknown member \""));
	buf_text(why, str_of(key));
	buf_char(why, '"');
	return -EINVAL;
}

int question_parse(struct str line, struct question *ret, struct buf *why)
{
	_cleanup_(question_free) struct question r = { 0 };
	_cleanup_(json_decref_p) json_t *j = NULL;
	json_error_t error;
	const char *key;
	json_t *v;

	if (line.n <= REQUEST_BYTES_MAX)
		j = json_loadb(line.p ? line.p : "", line.n, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(j)) {
		buf_str(why, line.n > REQUEST_BYTES_MAX ? STR("request: too long") :
							  STR("request: not a JSON object"));
		return -EINVAL;
	}
	json_object_foreach(j, key, v) {
		int err = pair_set(key, v, &r, why);

		if (err)
			return err;
	}
	if (!r.cmd) {
		buf_str(why, STR("request: \"cmd\" is missing"));
		return -EINVAL;
	}
	*ret = r;
	r = (struct question){ 0 };
	return 0;
}

void reply_error(struct str why, bool alone, struct buf *b)
{
	while (why.n && why.p[why.n - 1] == '\n')
		why.n--;
	buf_str(b, STR("{\"error\":"));
	json_str(b, why);
	buf_str(b, alone ? STR(",\"alone\":true}\n") : STR("}\n"));
}

/* Each string of an array as a line. */
static void texts_add(const json_t *array, struct buf *b)
{
	size_t n = json_array_size(array);

	for (size_t i = 0; i < n && i < REPLY_TEXTS_MAX; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (text) {
			buf_text(b, str_of(text));
			buf_char(b, '\n');
		}
	}
}

static uint64_t number_of(const json_t *j, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(j, key));

	return v > 0 ? (uint64_t)v : 0;
}

int reply_parse(struct str line, struct reply *ret)
{
	_cleanup_(json_decref_p) json_t *j = json_loadb(line.p ? line.p : "", line.n, 0, NULL);
	struct reply r = { 0 };
	const char *text;

	if (!json_is_object(j))
		return -EBADMSG;
	r.ok = json_is_true(json_object_get(j, "ok"));
	r.alone = json_is_true(json_object_get(j, "alone"));
	r.page = number_of(j, "page");
	r.report = r.page ? 0 : number_of(j, "report");
	if (r.page > REQUEST_TEXT_MAX || r.report > REQUEST_TEXT_MAX)
		return -EBADMSG;
	r.pid = number_of(j, "pid");
	r.matched = number_of(j, "matched");
	r.lost = number_of(j, "lost");
	text = json_string_value(json_object_get(j, "end"));
	snprintf(r.end, sizeof(r.end), "%s", text ? text : "");
	text = json_string_value(json_object_get(j, "error"));
	buf_str(&r.text, str_of(text));
	texts_add(json_object_get(j, "warnings"), &r.text);
	texts_add(json_object_get(j, "losses"), &r.text);
	if (r.text.failed) {
		reply_free(&r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

void reply_free(struct reply *r)
{
	buf_free(&r->text);
}
