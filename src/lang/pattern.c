/*
 * Glob matching that goes back to the last star only: enough for whole matches, and never
 * exponential. POSIX 2.13 (pattern matching notation) as fnmatch without flags reads it.
 */
#include "lang/pattern.h"

#include <ctype.h>

static uint8_t fold_of(char c, bool fold)
{
	return fold && c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : (uint8_t)c;
}

static bool in_class(struct str name, uint8_t c, bool fold)
{
	static const struct {
		struct str name;
		int (*is)(int);
	} classes[] = {
		{ STR("alnum"), isalnum }, { STR("alpha"), isalpha }, { STR("blank"), isblank },
		{ STR("cntrl"), iscntrl }, { STR("digit"), isdigit }, { STR("graph"), isgraph },
		{ STR("lower"), islower }, { STR("print"), isprint }, { STR("punct"), ispunct },
		{ STR("space"), isspace }, { STR("upper"), isupper }, { STR("xdigit"), isxdigit },
	};

	if (c >= 0x80)
		return false;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (str_eq(classes[i].name, name))
			return classes[i].is(c) || (fold && classes[i].is(toupper(c)));
	return false;
}

/* Length of "[:name:]" at @at of @p, or 0. */
static size_t class_at(struct str p, size_t at, struct str *ret_name)
{
	size_t i = at + 2;

	if (at + 1 >= p.n || p.p[at] != '[' || p.p[at + 1] != ':')
		return 0;
	while (i < p.n && islower((unsigned char)p.p[i]))
		i++;
	if (i + 1 >= p.n || p.p[i] != ':' || p.p[i + 1] != ']')
		return 0;
	*ret_name = (struct str){ p.p + at + 2, i - at - 2 };
	return i + 2 - at;
}

/* One plain member at *at, an escape resolved; *at moves behind it. */
static uint8_t member(struct str p, size_t *at, bool fold)
{
	if (p.p[*at] == '\\' && *at + 1 < p.n)
		(*at)++;
	return fold_of(p.p[(*at)++], fold);
}

/*
 * The bracket expression at p.p[0] == '['. Returns its length and whether it holds @c; 0 when it
 * is never closed.
 */
static size_t bracket(struct str p, uint8_t c, bool fold, bool *ret_holds)
{
	size_t i = 1, first, len;
	bool negated = false, holds = false;
	struct str name;

	if (i < p.n && (p.p[i] == '!' || p.p[i] == '^')) {
		negated = true;
		i++;
	}
	for (first = i; i < p.n && (p.p[i] != ']' || i == first);) {
		uint8_t lo, hi;

		len = class_at(p, i, &name);
		if (len) {
			holds |= in_class(name, c, fold);
			i += len;
			continue;
		}
		lo = hi = member(p, &i, fold);
		if (i + 1 < p.n && p.p[i] == '-' && p.p[i + 1] != ']') {
			i++;
			hi = member(p, &i, fold);
		}
		holds |= lo <= c && c <= hi;
	}
	if (i >= p.n)
		return 0;
	*ret_holds = holds != negated;
	return i + 1;
}

/* Does the pattern's element at @p match byte @c? Its length, 0 for no. Not for '*'. */
static size_t element(struct str p, char byte, bool fold)
{
	uint8_t c = fold_of(byte, fold);
	bool holds;
	size_t len;

	if (p.p[0] == '?')
		return 1;
	if (p.p[0] == '[') {
		len = bracket(p, c, fold, &holds);
		if (len)
			return holds ? len : 0;
	}
	if (p.p[0] == '\\') {
		/* A backslash at the end matches nothing. */
		return p.n > 1 && fold_of(p.p[1], fold) == c ? 2 : 0;
	}
	return fold_of(p.p[0], fold) == c ? 1 : 0;
}

bool pattern_glob(struct str pattern, struct str text, bool fold)
{
	size_t i = 0, t = 0, star = SIZE_MAX, star_t = 0, len;

	while (t < text.n) {
		if (i < pattern.n && pattern.p[i] == '*') {
			star = ++i;
			star_t = t;
			continue;
		}
		len = i < pattern.n ? element(str_skip(pattern, i), text.p[t], fold) : 0;
		if (len) {
			i += len;
			t++;
			continue;
		}
		if (star == SIZE_MAX)
			return false;
		i = star;
		t = ++star_t;
	}
	while (i < pattern.n && pattern.p[i] == '*')
		i++;
	return i == pattern.n;
}

bool pattern_icontains(struct str text, struct str part)
{
	if (part.n == 0)
		return true;
	for (size_t i = 0; part.n <= text.n && i <= text.n - part.n; i++) {
		size_t k = 0;

		while (k < part.n && fold_of(text.p[i + k], true) == fold_of(part.p[k], true))
			k++;
		if (k == part.n)
			return true;
	}
	return false;
}

/* The next non-empty component from *at on. */
static bool component(struct str path, size_t *at, struct str *ret)
{
	size_t i = *at, start;

	while (i < path.n && path.p[i] == '/')
		i++;
	start = i;
	while (i < path.n && path.p[i] != '/')
		i++;
	*ret = (struct str){ path.p + start, i - start };
	*at = i;
	return i > start;
}

static bool has_glob(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '*' || s.p[i] == '?' || s.p[i] == '[')
			return true;
	return false;
}

bool pattern_path(struct str prefix, struct str path)
{
	size_t a = 0, b = 0;
	struct str want, have;

	while (component(prefix, &a, &want)) {
		if (!component(path, &b, &have))
			return false;
		if (!str_eq(want, have) && !(has_glob(want) && pattern_glob(want, have, false)))
			return false;
	}
	return true;
}
