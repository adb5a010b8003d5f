#pragma once
/*
 * The contents of the kernel's unwind tables (wire/unwind.h): puts a file's table into the maps, takes
 * out the longest unused when there is no room. One owner, one thread; the caller keeps which files
 * there are and their use.
 *
 * Pages of different files share blocks, in the order they come; a block is given back when the last
 * page in it is. Rules are shared and never given back: when there are too many, everything is
 * taken out (unwind_maps_reset) and comes again with use. What the kernel holds at most: UW_BLOCKS
 * blocks of 64 KiB; here one block's copy, the rules, and 8 bytes for each page.
 */
#include <stddef.h>

#include "symbol/unwind.h"

struct unwind_maps;

/* Descriptors of the maps; borrowed. */
struct unwind_map_fds {
	int files, pages, rows, rules;
};

/* What a file takes up; zero: nothing. */
struct unwind_share {
	uint32_t number, npages;
	struct unwind_place *pages;
};

/* 0 or -ENOMEM. */
int unwind_maps_open(const struct unwind_map_fds *fds, struct unwind_maps **ret);
void unwind_maps_close(struct unwind_maps *m);

/*
 * 0; -ENOSPC: no room among blocks or pages, others must be removed first; -EDQUOT: no room among
 * rules, unwind_maps_reset; -ENOMEM or what bpf(2) said. Nothing is left behind on failure.
 */
int unwind_maps_add(struct unwind_maps *m, const struct file_key *key, const struct unwind_table *t,
		    struct unwind_share *ret);

/* Marks the file as one without a table. 0 or -errno. */
int unwind_maps_none(struct unwind_maps *m, const struct file_key *key);

/* Takes a file out; *share is zero then. Also one that was marked. */
void unwind_maps_remove(struct unwind_maps *m, const struct file_key *key,
			struct unwind_share *share);

/* Forgets the rules. All files must have been removed. */
void unwind_maps_reset(struct unwind_maps *m);

uint32_t unwind_maps_blocks(const struct unwind_maps *m);
uint32_t unwind_maps_pages(const struct unwind_maps *m);
