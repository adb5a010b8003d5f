#pragma once
/*
 * Completes samples whose walk the kernel could not finish for want of a table: the first of every
 * file, so the first of a fresh process. Walks on over the copied stack, with tables made here and
 * kept for a while, and makes the record it would have been.
 *
 * Mappings come from the record, and of frames further on from /proc/PID/maps; a process that is gone
 * by then ends the stack (STACK_NO_TABLE). Keys of mappings that only /proc tells have generation 0.
 *
 * One thread (the unwinding's). Tables kept: UNWIND_KEPT, UNWIND_KEPT_ROWS rows of them.
 */
#include "probe/stack.h"
#include "symbol/unwind.h"
#include "wire/record.h"

#define UNWIND_KEPT	 32
#define UNWIND_KEPT_ROWS (1u << 20) /* 4 MiB; a larger table is kept alone */

struct unwind_kept;

/* NULL: out of memory. */
struct unwind_kept *unwind_kept_new(void);
void unwind_kept_free(struct unwind_kept *k);

/* The table of a file, if it is kept; borrowed until the next call of any function here. */
const struct unwind_table *unwind_kept_find(struct unwind_kept *k, const struct file_key *key);

/* Makes the table of a process's mapping and keeps it. 0, or -errno as unwind_file_open, _table_build. */
int unwind_kept_make(struct unwind_kept *k, uint32_t pid, const struct rec_vma *vma,
		     const struct unwind_table **ret);

/*
 * @h, a record whose stack's head is @stack_at bytes into it, as @s has it, with a copy; *ret is
 * the whole record, to be freed. 0, -EBADMSG, -ENOMEM.
 */
int unwind_finish(struct unwind_kept *k, const struct rec_hdr *h, size_t stack_at,
		  const struct stack *s, struct rec_hdr **ret);
