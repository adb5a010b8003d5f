#pragma once
/*
 * Writes the rows of an unwind table in ascending order of offset: pages, distinct rules, what is in
 * force repeated at each page's start, rows that change nothing left out. Internal to the unwind
 * tables. What finds no room becomes UW_INVALID and is counted.
 */
#include "base/str.h"
#include "symbol/unwind.h"

#define ROWS_RULE_SLOTS (2 * UW_RULES) /* of the table that finds a rule; at most half are used */

struct rows {
	struct unwind_table *t;
	uint32_t cap_pages, cap_rows, cap_rules;
	/* The last row given, which the next may replace or turn out to be the same as. */
	bool pending;
	uint64_t off;
	uint16_t rule;
	uint16_t in_force;		 /* by the rows written */
	bool failed;			 /* no memory */
	uint16_t slots[ROWS_RULE_SLOTS]; /* index of a rule, 0 is empty */
};

/* To write into @t, which is all zero and owned by the caller. */
void rows_begin(struct rows *r, struct unwind_table *t);
/* From @off on @rule holds. @off is not below the last one; of equal ones the last counts. */
void rows_put(struct rows *r, uint64_t off, const struct unwind_rule *rule);
/* 0 or -ENOMEM. */
int rows_end(struct rows *r);
