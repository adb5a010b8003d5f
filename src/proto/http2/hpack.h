#pragma once
/*
 * HPACK (RFC 7541) for one who only listens: header blocks in, fields out. May join midway and go on after a loss:
 * what the table held before is unknown, and a field that refers to it is told as unknown. Entries are numbered from
 * the newest, so those that were added since are right.
 *
 *	index    62       63       64      65 ...
 *	entry  newest --> ...    oldest  unknown (lost, before our time, or more than is kept)
 *
 * With the table known from its begin (hpack_known), an index outside of it is an error, as in the RFC; a library made
 * for the ends of a connection gives up for good there, which is why this is not one.
 *
 * Of the table HPACK_ENTRIES entries and HPACK_TEXT bytes of texts are kept, and only texts of names that `keep` wants;
 * what is not kept is unknown. Time is linear in the block; a field list of more than HPACK_LIST_MAX bytes is refused.
 * Refusals by name; after one the state is as after a loss. One thread, no memory of its own.
 */
#include "base/str.h"

#define HPACK_ENTRIES	128
#define HPACK_TEXT	2048
#define HPACK_FIELD	(8u << 10) /* bytes of a Huffman-coded text that are told; the rest is cut */
#define HPACK_LIST_MAX	(16u << 10) /* names, values, and 32 for each field */
#define HPACK_TABLE_MAX (1u << 24)  /* no table is larger */
#define HPACK_TABLE	4096	    /* what a table begins as */

struct hpack_entry {
	uint32_t size; /* as the RFC counts it; 0: not known */
	uint16_t at;   /* in text: the name, then the value */
	uint16_t name_n, value_n;
	bool kept; /* else both are unknown */
};

struct hpack {
	bool complete;	    /* all entries are known or at least counted */
	uint32_t allowed;   /* what the reader of the blocks allows a table to be; 0: HPACK_TABLE */
	uint32_t max, size; /* of the table now; max is valid when max_set, else HPACK_TABLE */
	bool max_set;
	uint16_t first, n; /* the newest in entry[], a ring; how many */
	uint16_t text_n;   /* bytes used, from 0 on; the oldest's come first */
	struct hpack_entry entry[HPACK_ENTRIES];
	char text[HPACK_TEXT];
};

struct hpack_sink {
	/* @name.p or @value.p NULL: unknown. Valid during the call. */
	void (*field)(void *ctx, struct str name, struct str value);
	bool (*keep)(struct str name); /* NULL: all */
	/* What a name that is unknown must be, going by its value (static); STR_NONE: cannot be told. May be NULL. */
	struct str (*guess)(void *ctx, struct str value);
	void *ctx;
};

/* A zeroed struct hpack is one that joined midway. Now its table is known to be empty. */
void hpack_known(struct hpack *h);
/* Blocks were lost. */
void hpack_lost(struct hpack *h);

/* A whole header block. NULL, or why it is refused (static, [a-z-]). */
const char *hpack_read(struct hpack *h, struct str block, const struct hpack_sink *sink);

/*
 * Huffman code of RFC 7541, appendix B. False: not valid. *ret_n: bytes it stands for, of which the first @max are in
 * @ret.
 */
bool hpack_huffman(struct str coded, char *ret, size_t max, size_t *ret_n);
