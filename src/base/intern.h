#pragma once
/*
 * Interned strings: equal ones are kept once and have one number, 0..n-1, in order of arrival.
 * Number 0 is the absent and the empty string. Copies never move, so a slice from intern_get lives as
 * long as the set, and two slices of one set are equal exactly when their pointers are.
 *
 * Bounded by a budget (bytes) that the owner gives, and by @max strings. One thread.
 */
#include "base/slots.h"
#include "base/str.h"

struct intern_block;

struct intern {
	struct budget *budget; /* the owner's */
	size_t max;	       /* strings; at most 2^31 */
	struct str *strings;
	size_t n, cap;
	struct slots index;
	struct intern_block *blocks;
	size_t left; /* bytes in the first block */
};

/* Before the first use. 0 or -ENOMEM, -ENOSPC. */
int intern_init(struct intern *in, struct budget *budget, size_t max);
void intern_free(struct intern *in);

/* 0; -ENOSPC: maximum or budget; -ENOMEM. */
int intern_put(struct intern *in, struct str s, uint32_t *ret);

static inline struct str intern_get(const struct intern *in, uint32_t id)
{
	return in->strings[id];
}
