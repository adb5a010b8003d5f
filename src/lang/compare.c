/*
 * The comparison functions, grouped by the class of types they read, and the table that names them.
 */
#include "lang/compare.h"

#include <endian.h>

#include "lang/pattern.h"

#define SHORT_TEXT_BYTES 256

/* Strings */

static bool str_is(const struct value *v, const struct constant *k)
{
	return str_eq(v->str, k->v.str);
}

static bool str_differs(const struct value *v, const struct constant *k)
{
	return !str_eq(v->str, k->v.str);
}

static bool str_below(const struct value *v, const struct constant *k)
{
	return str_cmp(v->str, k->v.str) < 0;
}

static bool str_at_most(const struct value *v, const struct constant *k)
{
	return str_cmp(v->str, k->v.str) <= 0;
}

static bool str_above(const struct value *v, const struct constant *k)
{
	return str_cmp(v->str, k->v.str) > 0;
}

static bool str_at_least(const struct value *v, const struct constant *k)
{
	return str_cmp(v->str, k->v.str) >= 0;
}

static bool str_in(const struct value *v, const struct constant *k)
{
	return strset_has(k->set, v->str);
}

/* memmem sets up tables that pay only for long texts, and guards against what short ones bound. */
static bool str_has(const struct value *v, const struct constant *k)
{
	struct str s = v->str, part = k->v.str;
	const char *at = s.p, *last;

	if (s.n < part.n || part.n == 0 || s.n > SHORT_TEXT_BYTES)
		return str_contains(s, part);
	last = s.p + s.n - part.n;
	while (at <= last && (at = memchr(at, part.p[0], (size_t)(last - at) + 1))) {
		if (memcmp(at, part.p, part.n) == 0)
			return true;
		at++;
	}
	return false;
}

static bool str_ihas(const struct value *v, const struct constant *k)
{
	return pattern_icontains(v->str, k->v.str);
}

static bool str_begins(const struct value *v, const struct constant *k)
{
	return str_starts(v->str, k->v.str);
}

static bool str_finishes(const struct value *v, const struct constant *k)
{
	return str_ends(v->str, k->v.str);
}

static bool str_glob(const struct value *v, const struct constant *k)
{
	return pattern_glob(k->v.str, v->str, false);
}

static bool str_iglob(const struct value *v, const struct constant *k)
{
	return pattern_glob(k->v.str, v->str, true);
}

static bool str_regex(const struct value *v, const struct constant *k)
{
	return regex_match(k->regex, v->str.p, v->str.n);
}

static bool str_path(const struct value *v, const struct constant *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (pattern_path(k->strs[i], v->str))
			return true;
	return false;
}

/* Numbers: u64 serves every unsigned type, and equality of signed ones */

static bool word_is(const struct value *v, const struct constant *k)
{
	return v->u64 == k->v.u64;
}

static bool word_differs(const struct value *v, const struct constant *k)
{
	return v->u64 != k->v.u64;
}

static bool word_in(const struct value *v, const struct constant *k)
{
	size_t lo = 0, hi = k->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (k->words[mid] == v->u64)
			return true;
		if (k->words[mid] < v->u64)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

#define ORDERED(type, name, op)                                                    \
	static bool type##_##name(const struct value *v, const struct constant *k) \
	{                                                                          \
		return v->type op k->v.type;                                       \
	}
ORDERED(u64, below, <)
ORDERED(u64, at_most, <=)
ORDERED(u64, above, >)
ORDERED(u64, at_least, >=)
ORDERED(i64, below, <)
ORDERED(i64, at_most, <=)
ORDERED(i64, above, >)
ORDERED(i64, at_least, >=)
#undef ORDERED

static bool bool_is(const struct value *v, const struct constant *k)
{
	return v->b == k->v.b;
}

static bool bool_differs(const struct value *v, const struct constant *k)
{
	return v->b != k->v.b;
}

static bool bool_in(const struct value *v, const struct constant *k)
{
	return k->bools >> v->b & 1;
}

/* Addresses */

static uint64_t word_be(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
	return be64toh(w);
}

static uint64_t mask_of(unsigned bits)
{
	return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
}

void net_of(const struct expr_value *x, struct net *ret)
{
	*ret = (struct net){
		.hi = word_be(x->v.ip.b),
		.lo = word_be(x->v.ip.b + 8),
		.mask_hi = mask_of(x->bits),
		.mask_lo = x->bits > 64 ? mask_of(x->bits - 64u) : 0,
		.len = x->v.ip.len,
	};
}

bool net_has(const struct net *n, const struct ip *ip)
{
	return ip->len == n->len && (word_be(ip->b) & n->mask_hi) == n->hi &&
	       (word_be(ip->b + 8) & n->mask_lo) == n->lo;
}

static bool ip_is(const struct value *v, const struct constant *k)
{
	return net_has(&k->net, &v->ip);
}

static bool ip_differs(const struct value *v, const struct constant *k)
{
	return !net_has(&k->net, &v->ip);
}

static bool ip_in(const struct value *v, const struct constant *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (net_has(&k->nets[i], &v->ip))
			return true;
	return false;
}

static bool ip_is_value(const struct value *v, const struct constant *k)
{
	return v->ip.len == k->v.ip.len && memcmp(v->ip.b, k->v.ip.b, v->ip.len) == 0;
}

static bool ip_differs_value(const struct value *v, const struct constant *k)
{
	return !ip_is_value(v, k);
}

/* Lists */

static bool list_in(const struct value *v, const struct constant *k)
{
	for (size_t i = 0; i < v->list.n; i++)
		if (!strset_has(k->set, v->list.p[i]))
			return false;
	return v->list.n > 0;
}

static bool list_meets(const struct value *v, const struct constant *k)
{
	for (size_t i = 0; i < v->list.n; i++)
		if (strset_has(k->set, v->list.p[i]))
			return true;
	return false;
}

static bool list_holds(const struct value *list, struct str s)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (str_eq(list->list.p[i], s))
			return true;
	return false;
}

static bool list_in_value(const struct value *v, const struct constant *k)
{
	for (size_t i = 0; i < v->list.n; i++)
		if (!list_holds(&k->v, v->list.p[i]))
			return false;
	return v->list.n > 0;
}

static bool list_meets_value(const struct value *v, const struct constant *k)
{
	for (size_t i = 0; i < v->list.n; i++)
		if (list_holds(&k->v, v->list.p[i]))
			return true;
	return false;
}

/* The table */

enum class {
	CLASS_STR,
	CLASS_UNSIGNED,
	CLASS_SIGNED,
	CLASS_BOOL,
	CLASS_IP,
	CLASS_LIST,
	CLASSES
};

static const enum class class_of[VALUE_TYPES] = {
	[VALUE_STR] = CLASS_STR,       [VALUE_U64] = CLASS_UNSIGNED,
	[VALUE_I64] = CLASS_SIGNED,    [VALUE_BOOL] = CLASS_BOOL,
	[VALUE_TIME] = CLASS_UNSIGNED, [VALUE_DURATION] = CLASS_UNSIGNED,
	[VALUE_PORT] = CLASS_UNSIGNED, [VALUE_IP] = CLASS_IP,
	[VALUE_LIST] = CLASS_LIST,
};

#define VALUE(f) { f, WANTS_VALUE, f }

static const struct comparison comparisons[EXPR_OPS][CLASSES] = {
	[EXPR_EQ] = { [CLASS_STR] = VALUE(str_is),
		      [CLASS_UNSIGNED] = VALUE(word_is),
		      [CLASS_SIGNED] = VALUE(word_is),
		      [CLASS_BOOL] = VALUE(bool_is),
		      [CLASS_IP] = { ip_is, WANTS_VALUE, ip_is_value } },
	[EXPR_NE] = { [CLASS_STR] = VALUE(str_differs),
		      [CLASS_UNSIGNED] = VALUE(word_differs),
		      [CLASS_SIGNED] = VALUE(word_differs),
		      [CLASS_BOOL] = VALUE(bool_differs),
		      [CLASS_IP] = { ip_differs, WANTS_VALUE, ip_differs_value } },
	[EXPR_LT] = { [CLASS_STR] = VALUE(str_below),
		      [CLASS_UNSIGNED] = VALUE(u64_below),
		      [CLASS_SIGNED] = VALUE(i64_below) },
	[EXPR_LE] = { [CLASS_STR] = VALUE(str_at_most),
		      [CLASS_UNSIGNED] = VALUE(u64_at_most),
		      [CLASS_SIGNED] = VALUE(i64_at_most) },
	[EXPR_GT] = { [CLASS_STR] = VALUE(str_above),
		      [CLASS_UNSIGNED] = VALUE(u64_above),
		      [CLASS_SIGNED] = VALUE(i64_above) },
	[EXPR_GE] = { [CLASS_STR] = VALUE(str_at_least),
		      [CLASS_UNSIGNED] = VALUE(u64_at_least),
		      [CLASS_SIGNED] = VALUE(i64_at_least) },
	[EXPR_IN] = { [CLASS_STR] = { str_in, WANTS_SET, str_is },
		      [CLASS_UNSIGNED] = { word_in, WANTS_SET, word_is },
		      [CLASS_SIGNED] = { word_in, WANTS_SET, word_is },
		      [CLASS_BOOL] = { bool_in, WANTS_SET, bool_is },
		      [CLASS_IP] = { ip_in, WANTS_SET, ip_is_value },
		      [CLASS_LIST] = { list_in, WANTS_SET, list_in_value } },
	[EXPR_INTERSECTS] = { [CLASS_STR] = { str_in, WANTS_SET, str_is },
			      [CLASS_UNSIGNED] = { word_in, WANTS_SET, word_is },
			      [CLASS_SIGNED] = { word_in, WANTS_SET, word_is },
			      [CLASS_BOOL] = { bool_in, WANTS_SET, bool_is },
			      [CLASS_IP] = { ip_in, WANTS_SET, ip_is_value },
			      [CLASS_LIST] = { list_meets, WANTS_SET, list_meets_value } },
	[EXPR_CONTAINS] = { [CLASS_STR] = VALUE(str_has) },
	[EXPR_ICONTAINS] = { [CLASS_STR] = VALUE(str_ihas) },
	[EXPR_BCONTAINS] = { [CLASS_STR] = { str_has, WANTS_HEX, str_has } },
	[EXPR_STARTSWITH] = { [CLASS_STR] = VALUE(str_begins) },
	[EXPR_BSTARTSWITH] = { [CLASS_STR] = { str_begins, WANTS_HEX, str_begins } },
	[EXPR_ENDSWITH] = { [CLASS_STR] = VALUE(str_finishes) },
	[EXPR_GLOB] = { [CLASS_STR] = { str_glob, WANTS_PATTERN, NULL } },
	[EXPR_IGLOB] = { [CLASS_STR] = { str_iglob, WANTS_PATTERN, NULL } },
	[EXPR_REGEX] = { [CLASS_STR] = { str_regex, WANTS_REGEX, NULL } },
	[EXPR_PMATCH] = { [CLASS_STR] = { str_path, WANTS_PATHS, NULL } },
};

const struct comparison *comparison_find(enum expr_op op, enum value_type type)
{
	return &comparisons[op][class_of[type]];
}
