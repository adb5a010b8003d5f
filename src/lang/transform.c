/*
 * Transformers at work. Results are new strings in the record's arena; where the argument has no
 * value, or the arena no room, there is no result.
 */
#include "lang/transform.h"

#include <ctype.h>

#include "base/arena.h"

static void *room(size_t n)
{
	struct arena *a = field_arena();

	return a ? arena_alloc(a, n ? n : 1) : NULL;
}

static bool map_bytes(const struct operand *o, const struct event *ev, int (*map)(int),
		      struct value *ret)
{
	struct value v;
	char *to;

	if (!operand_get(&o->args[0], ev, 0, &v))
		return false;
	to = room(v.str.n);
	if (!to)
		return false;
	for (size_t i = 0; i < v.str.n; i++) {
		uint8_t c = (uint8_t)v.str.p[i];

		to[i] = (char)(c < 0x80 ? map(c) : c);
	}
	*ret = (struct value){ .type = VALUE_STR, .str = { to, v.str.n } };
	return true;
}

static bool get_tolower(const struct operand *o, const struct event *ev, unsigned nth,
			struct value *ret)
{
	return nth == 0 && map_bytes(o, ev, tolower, ret);
}

static bool get_toupper(const struct operand *o, const struct event *ev, unsigned nth,
			struct value *ret)
{
	return nth == 0 && map_bytes(o, ev, toupper, ret);
}

static bool get_basename(const struct operand *o, const struct event *ev, unsigned nth,
			 struct value *ret)
{
	const char *slash;
	struct value v;

	if (nth || !operand_get(&o->args[0], ev, 0, &v))
		return false;
	slash = v.str.n ? memrchr(v.str.p, '/', v.str.n) : NULL;
	if (slash)
		v.str = str_skip(v.str, (size_t)(slash - v.str.p) + 1);
	*ret = v;
	return true;
}

static int b64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, section 4; padding may be left out, whole or in part. */
static bool get_b64(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret)
{
	uint32_t bits = 0;
	unsigned have = 0;
	struct value v;
	size_t n = 0;
	char *to;

	if (nth || !operand_get(&o->args[0], ev, 0, &v))
		return false;
	for (unsigned pad = 0; pad < 2 && v.str.n && v.str.p[v.str.n - 1] == '='; pad++)
		v.str.n--;
	to = v.str.n % 4 == 1 ? NULL : room(v.str.n);
	if (!to)
		return false;
	for (size_t i = 0; i < v.str.n; i++) {
		int d = b64_digit(v.str.p[i]);

		if (d < 0)
			return false;
		bits = bits << 6 | (unsigned)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[n++] = (char)(bits >> have);
		}
	}
	*ret = (struct value){ .type = VALUE_STR, .str = { to, n } };
	return true;
}

static bool get_len(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret)
{
	struct value v;

	if (nth || !operand_get(&o->args[0], ev, 0, &v))
		return false;
	*ret = (struct value){ .type = VALUE_U64, .u64 = v.type == VALUE_LIST ? v.list.n : v.str.n };
	return true;
}

static bool get_join(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret)
{
	struct value sep, list;
	size_t n = 0;
	char *p, *to;

	if (nth || !operand_get(&o->args[0], ev, 0, &sep) || !operand_get(&o->args[1], ev, 0, &list))
		return false;
	for (size_t i = 0; i < list.list.n; i++)
		n += list.list.p[i].n + (i ? sep.str.n : 0);
	p = to = room(n);
	if (!to)
		return false;
	for (size_t i = 0; i < list.list.n; i++) {
		if (i && sep.str.n)
			p = mempcpy(p, sep.str.p, sep.str.n);
		if (list.list.p[i].n)
			p = mempcpy(p, list.list.p[i].p, list.list.p[i].n);
	}
	*ret = (struct value){ .type = VALUE_STR, .str = { to, n } };
	return true;
}

bool transform_list(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret)
{
	struct str *strs;
	struct value v;

	strs = nth ? NULL : room(o->nargs * sizeof(*strs));
	if (!strs)
		return false;
	for (size_t i = 0; i < o->nargs; i++) {
		if (!operand_get(&o->args[i], ev, 0, &v))
			return false;
		strs[i] = v.str;
	}
	*ret = (struct value){ .type = VALUE_LIST, .list = { strs, o->nargs } };
	return true;
}

static bool get_concat(const struct operand *o, const struct event *ev, unsigned nth,
		       struct value *ret)
{
	struct value list;
	size_t n = 0;
	char *to;

	if (!transform_list(o, ev, nth, &list))
		return false;
	for (size_t i = 0; i < list.list.n; i++)
		n += list.list.p[i].n;
	to = room(n);
	if (!to)
		return false;
	*ret = (struct value){ .type = VALUE_STR, .str = { to, n } };
	for (size_t i = 0; i < list.list.n; i++)
		if (list.list.p[i].n)
			to = mempcpy(to, list.list.p[i].p, list.list.p[i].n);
	return true;
}

static bool get_val(const struct operand *o, const struct event *ev, unsigned nth, struct value *ret)
{
	return nth == 0 && operand_get(&o->args[0], ev, 0, ret);
}

/* Walks short options as getopt(3) does: "ab:" knows -a and -b VALUE; "--" ends, others skip. */
struct getopt_walk {
	const char *options;
	const struct value *words;
	size_t word, at; /* at 0: at the start of a word */
};

static bool getopt_next(struct getopt_walk *w, char *ret_option, struct str *ret_value)
{
	for (; w->word < w->words->list.n; w->word++, w->at = 0) {
		struct str s = w->words->list.p[w->word];
		const char *known;

		if (w->at == 0) {
			if (str_eq(s, STR("--")))
				return false;
			if (s.n < 2 || s.p[0] != '-')
				continue;
			w->at = 1;
		}
		if (w->at >= s.n)
			continue;
		*ret_option = s.p[w->at++];
		known = *ret_option != ':' ? strchr(w->options, *ret_option) : NULL;
		*ret_value = STR("");
		if (!known || known[1] != ':')
			return true;
		if (w->at < s.n)
			*ret_value = str_skip(s, w->at);
		else if (w->word + 1 < w->words->list.n)
			*ret_value = w->words->list.p[++w->word];
		w->word++;
		w->at = 0;
		return true;
	}
	return false;
}

/* getopt(list, "ab:"): the options found, as a list; getopt(...)[b]: the value of the last -b. */
static bool get_getopt(const struct operand *o, const struct event *ev, unsigned nth,
		       struct value *ret)
{
	struct getopt_walk w = { .options = o->options };
	struct value words, found = { .type = VALUE_STR };
	struct str *strs, value;
	size_t n = 0, max = 0;
	bool have = false;
	char c;

	if (nth || !operand_get(&o->args[0], ev, 0, &words))
		return false;
	for (size_t i = 0; i < words.list.n; i++)
		max += words.list.p[i].n;
	strs = o->option ? NULL : room(max * sizeof(*strs));
	if (!o->option && !strs)
		return false;
	for (w.words = &words; getopt_next(&w, &c, &value);) {
		const char *known = c != ':' ? strchr(o->options, c) : NULL;

		if (!known)
			continue;
		if (!o->option) {
			strs[n++] = (struct str){ known, 1 };
		} else if (c == o->option) {
			found.str = value;
			have = true;
		}
	}
	*ret = o->option ? found : (struct value){ .type = VALUE_LIST, .list = { strs, n } };
	return o->option ? have : true;
}

static const struct transform transforms[] = {
	{ "tolower", TAKES_STR, VALUE_STR, get_tolower, "tolower(string)" },
	{ "toupper", TAKES_STR, VALUE_STR, get_toupper, "toupper(string)" },
	{ "basename", TAKES_STR, VALUE_STR, get_basename, "basename(path)" },
	{ "b64", TAKES_STR, VALUE_STR, get_b64, "b64(string)" },
	{ "len", TAKES_STR_OR_LIST, VALUE_U64, get_len, "len(string or list)" },
	{ "join", TAKES_STR_LIST, VALUE_STR, get_join, "join(separator, list)" },
	{ "concat", TAKES_STRS, VALUE_STR, get_concat, "concat(string, string, ...)" },
	{ "getopt", TAKES_LIST_STR, VALUE_LIST, get_getopt, "getopt(list, \"options\")" },
	{ "val", TAKES_ANY, VALUE_STR, get_val, "val(field)" },
};

const struct transform *transform_find(struct str name)
{
	for (size_t i = 0; i < sizeof(transforms) / sizeof(transforms[0]); i++)
		if (str_eq(name, str_of(transforms[i].name)))
			return &transforms[i];
	return NULL;
}
