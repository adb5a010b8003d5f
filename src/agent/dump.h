#pragma once
/*
 * The tables as records again, so that a capture can begin in the middle of a run: this host's
 * users, cgroups, containers, cluster objects, and the processes asked for with their ancestors.
 */
#include "enrich/enrich.h"

/* Where the next record begins, after one that ends at @n. */
#define DUMP_ALIGN 8

static inline size_t dump_aligned(size_t n)
{
	return (n + DUMP_ALIGN - 1) & ~(size_t)(DUMP_ALIGN - 1);
}

/* Appends the records to @b, stamped @at. @wanted NULL: all processes. 0 or -ENOMEM. */
int dump_tables(struct enrich *e, struct boot_ns at,
		bool (*wanted)(void *ctx, const struct proc *p), void *ctx, struct buf *b);
