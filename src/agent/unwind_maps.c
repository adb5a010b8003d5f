/*
 * Blocks are filled one after the other: `open` is the one that is being filled, with a copy here,
 * because the kernel takes a block's element as a whole. They are made some at a time, as many as a
 * table is going to need: each change of a map of maps waits for all CPUs (10 to 30 ms), a batch of
 * changes once.
 */
#include "agent/unwind_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"

#define NO_BLOCK   UINT32_MAX
#define POOL_MAX   32		  /* blocks, so descriptors */
#define RULE_SLOTS (UW_RULES * 2) /* a power of two */
#define BLOCK_SIZE (UW_BLOCK_ROWS * sizeof(struct unwind_row))

/* Where a page's rows are. */
struct unwind_place {
	uint32_t page, block;
};

struct unwind_maps {
	struct unwind_map_fds fd;
	uint32_t number; /* the last that was given out */
	uint32_t npages, nblocks;
	uint32_t open, filled; /* block and its rows in use, or NO_BLOCK */
	int block_fd;	       /* of the open block */
	struct {
		uint32_t block;
		int fd;
	} pool[POOL_MAX]; /* in the map, empty, to be used from the last on */
	size_t npool;
	uint16_t uses[UW_BLOCKS]; /* pages in each; 0: free */
	struct unwind_row copy[UW_BLOCK_ROWS];
	uint32_t nrules;
	struct unwind_rule rules[UW_RULES];
	uint16_t slots[RULE_SLOTS]; /* index + 1 in rules; 0: empty */
};

int unwind_maps_open(const struct unwind_map_fds *fds, struct unwind_maps **ret)
{
	struct unwind_maps *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->fd = *fds;
	m->block_fd = -1;
	m->open = NO_BLOCK;
	*ret = m;
	return 0;
}

void unwind_maps_close(struct unwind_maps *m)
{
	for (size_t i = 0; m && i < m->npool; i++)
		close(m->pool[i].fd);
	if (m)
		closep(&m->block_fd);
	free(m);
}

void unwind_maps_reset(struct unwind_maps *m)
{
	m->nrules = 0;
	memset(m->slots, 0, sizeof(m->slots));
}

uint32_t unwind_maps_blocks(const struct unwind_maps *m)
{
	return m->nblocks;
}

uint32_t unwind_maps_pages(const struct unwind_maps *m)
{
	return m->npages;
}

static int map_put(int fd, const void *key, const void *value)
{
	return bpf_map_update_elem(fd, key, value, BPF_ANY) == 0 ? 0 : -errno;
}

/* --- rules --- */

static int rule_index(struct unwind_maps *m, const struct unwind_rule *rule, uint16_t *ret)
{
	uint64_t at = hash_str((struct str){ (const char *)rule, sizeof(*rule) });
	uint32_t index;
	int err;

	for (;; at++) {
		uint16_t slot = m->slots[at % RULE_SLOTS];

		if (!slot)
			break;
		if (memcmp(&m->rules[slot - 1], rule, sizeof(*rule)) == 0) {
			*ret = slot - 1;
			return 0;
		}
	}
	if (m->nrules == UW_RULES)
		return -EDQUOT;
	index = m->nrules;
	err = map_put(m->fd.rules, &index, rule);
	if (err)
		return err;
	m->rules[m->nrules++] = *rule;
	m->slots[at % RULE_SLOTS] = (uint16_t)m->nrules;
	*ret = (uint16_t)index;
	return 0;
}

/* --- blocks --- */

static void block_give_back(struct unwind_maps *m, uint32_t block)
{
	if (--m->uses[block] || block == m->open)
		return;
	bpf_map_delete_elem(m->fd.rows, &block);
	m->nblocks--;
}

/* The open block, when nothing is in it any more, goes too. */
static void block_close(struct unwind_maps *m)
{
	uint32_t block = m->open;

	closep(&m->block_fd);
	m->block_fd = -1;
	m->open = NO_BLOCK;
	if (block == NO_BLOCK || m->uses[block])
		return;
	bpf_map_delete_elem(m->fd.rows, &block);
	m->nblocks--;
}

/* As many free places as @want, or fewer. */
static uint32_t pool_places(const struct unwind_maps *m, uint32_t want, uint32_t *ret)
{
	uint32_t n = 0;

	for (uint32_t block = 0; block < UW_BLOCKS && n < want; block++)
		if (!m->uses[block])
			ret[n++] = block;
	return n;
}

static int pool_put(struct unwind_maps *m, uint32_t *blocks, int *fds, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t done = n;
	int err = 0;

	/* Since 5.14; before, one by one. */
	if (bpf_map_update_batch(m->fd.rows, blocks, fds, &done, &opts) != 0)
		for (done = 0; done < n && !err; done += !err)
			err = map_put(m->fd.rows, &blocks[done], &fds[done]);
	for (uint32_t i = 0; i < n; i++) {
		if (i >= done) {
			close(fds[i]);
			continue;
		}
		m->pool[m->npool].block = blocks[i];
		m->pool[m->npool++].fd = fds[i];
		m->nblocks++;
	}
	return m->npool ? 0 : err;
}

/* The pool is empty: makes @want blocks, fewer when there is no room. */
static int pool_fill(struct unwind_maps *m, uint32_t want)
{
	uint32_t blocks[POOL_MAX], n = pool_places(m, want < POOL_MAX ? want : POOL_MAX, blocks);
	int fds[POOL_MAX], err = 0;
	uint32_t made = 0;

	if (!n)
		return -ENOSPC;
	for (; made < n && !err; made += !err) {
		fds[made] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "uw_block", sizeof(uint32_t),
					   BLOCK_SIZE, 1, NULL);
		err = fds[made] < 0 ? -errno : 0;
	}
	return made ? pool_put(m, blocks, fds, made) : err;
}

/* @rows: how many are still to be placed. */
static int block_new(struct unwind_maps *m, uint32_t rows)
{
	int err;

	block_close(m);
	err = m->npool ? 0 : pool_fill(m, rows / UW_BLOCK_ROWS + 1);
	if (err)
		return err;
	m->npool--;
	m->open = m->pool[m->npool].block;
	m->block_fd = m->pool[m->npool].fd;
	m->filled = 0;
	memset(m->copy, 0, sizeof(m->copy));
	return 0;
}

/* What was added to the open block gets to the kernel. */
static int block_write(struct unwind_maps *m)
{
	uint32_t zero = 0;

	return m->open == NO_BLOCK ? 0 : map_put(m->block_fd, &zero, m->copy);
}

/* --- files --- */

/* The page's rows into a block, with the shared rules' numbers. */
static int page_place(struct unwind_maps *m, const struct unwind_table *t,
		      const struct unwind_page *p, const uint16_t *rules, struct uw_page *ret)
{
	int err = 0;

	if (m->open == NO_BLOCK || m->filled + p->n > UW_BLOCK_ROWS) {
		err = block_write(m);
		if (!err)
			err = block_new(m, t->nrows - p->first);
		if (err)
			return err;
	}
	for (uint32_t i = 0; i < p->n; i++) {
		const struct unwind_row *row = &t->rows[p->first + i];

		m->copy[m->filled + i] = (struct unwind_row){ row->pc, rules[row->rule] };
	}
	*ret = (struct uw_page){ m->open, (uint16_t)m->filled, (uint16_t)p->n };
	m->filled += p->n;
	m->uses[m->open]++;
	return 0;
}

static int pages_place(struct unwind_maps *m, const struct unwind_table *t, const uint16_t *rules,
		       struct unwind_share *share, struct uw_page *at)
{
	int err = 0;

	for (; !err && share->npages < t->npages; share->npages++) {
		uint32_t i = share->npages;

		err = page_place(m, t, &t->pages[i], rules, &at[i]);
		if (err)
			break;
		share->pages[i] = (struct unwind_place){ t->pages[i].page, at[i].block };
	}
	return err ? err : block_write(m);
}

static int pages_tell(struct unwind_maps *m, struct unwind_share *share, const struct uw_page *at)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < share->npages; i++) {
		struct uw_page_key key = { share->number, share->pages[i].page };

		err = map_put(m->fd.pages, &key, &at[i]);
	}
	return err == -E2BIG ? -ENOSPC : err;
}

static int table_add(struct unwind_maps *m, const struct file_key *key,
		     const struct unwind_table *t, struct unwind_share *share)
{
	_cleanup_(freep) uint16_t *rules = calloc(t->nrules, sizeof(*rules));
	_cleanup_(freep) struct uw_page *at = calloc(t->npages + 1, sizeof(*at));
	int err = 0;

	share->pages = calloc(t->npages + 1, sizeof(*share->pages));
	if (!rules || !at || !share->pages)
		return -ENOMEM;
	for (uint32_t i = 0; !err && i < t->nrules; i++)
		err = rule_index(m, &t->rules[i], &rules[i]);
	if (!err)
		err = pages_place(m, t, rules, share, at);
	if (!err)
		err = pages_tell(m, share, at);
	if (!err)
		err = map_put(m->fd.files, key, &share->number);
	return err == -E2BIG ? -ENOSPC : err;
}

int unwind_maps_add(struct unwind_maps *m, const struct file_key *key, const struct unwind_table *t,
		    struct unwind_share *ret)
{
	struct unwind_share share = { 0 };
	int err;

	if (m->npages + t->npages > UW_PAGES)
		return -ENOSPC;
	if (++m->number >= UW_FILE_FRAMES)
		m->number = 1;
	share.number = m->number;
	err = table_add(m, key, t, &share);
	m->npages += share.npages;
	if (err)
		unwind_maps_remove(m, key, &share);
	else
		*ret = share;
	return err;
}

int unwind_maps_none(struct unwind_maps *m, const struct file_key *key)
{
	uint32_t none = UW_FILE_NONE;

	return map_put(m->fd.files, key, &none);
}

/* First the file, so that nobody comes to pages whose rows are another's already. */
void unwind_maps_remove(struct unwind_maps *m, const struct file_key *key, struct unwind_share *share)
{
	bpf_map_delete_elem(m->fd.files, key);
	for (uint32_t i = 0; i < share->npages; i++) {
		struct uw_page_key page = { share->number, share->pages[i].page };

		bpf_map_delete_elem(m->fd.pages, &page);
		block_give_back(m, share->pages[i].block);
	}
	m->npages -= share->npages;
	free(share->pages);
	*share = (struct unwind_share){ 0 };
}
