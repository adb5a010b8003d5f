#pragma once
/*
 * Comparisons of one value with one constant: the table by operator and type from which the
 * compiler picks a function for each check. Pure; never allocates.
 */
#include "lang/expr.h"
#include "lang/re2.h"
#include "lang/strset.h"

/* A network as two words in host order, so that a test is two masks. */
struct net {
	uint64_t hi, lo, mask_hi, mask_lo;
	uint8_t len; /* of the address, 4 or 16 */
};

/* What a value is compared with, prepared for the function that does it. */
struct constant {
	union {
		struct value v; /* one value; also that of the field on the right */
		const struct strset *set;
		const uint64_t *words;
		struct net net;
		const struct net *nets;
		const struct str *strs;
		const struct regex *regex;
		unsigned bools; /* bit 0: false is in the set, bit 1: true is */
	};
	size_t n; /* of words, nets, strs */
};

typedef bool (*compare_fn)(const struct value *v, const struct constant *k);

/* What kind of constant the function wants. */
enum compare_wants {
	WANTS_NONE, /* the operator does not fit the type */
	WANTS_VALUE,
	WANTS_SET, /* strset, sorted words, nets, bools: by type */
	WANTS_HEX, /* bytes from hexadecimal */
	WANTS_PATTERN,
	WANTS_REGEX,
	WANTS_PATHS,
};

struct comparison {
	compare_fn fn;
	enum compare_wants wants;
	compare_fn with_value; /* for a field on the right (constant.v); NULL: not allowed */
};

/* The comparison for values of @type; wants WANTS_NONE when there is none. Not for EXISTS. */
const struct comparison *comparison_find(enum expr_op op, enum value_type type);

void net_of(const struct expr_value *x, struct net *ret);
bool net_has(const struct net *n, const struct ip *ip);
