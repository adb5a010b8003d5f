#pragma once
/*
 * Cuts a stream of JSON bytes into single objects, so that a LIST of any length needs memory for
 * one object only. It knows strings, brackets and nothing else; each object it hands out still has
 * to be parsed.
 *
 *   KUBE_SPLIT_LIST    one document; each element of its top-level array "items" is an OBJECT,
 *                      and what is left, with "items" empty, is the ENVELOPE, given last.
 *   KUBE_SPLIT_STREAM  objects one after the other (a WATCH): each is an OBJECT.
 *
 * An object above max_bytes, above max_tokens (commas, colons and opening brackets: what a parser
 * turns into memory) or nested deeper than KUBE_SPLIT_DEPTH is skipped and told as REJECTED,
 * without bytes. An envelope above these limits, bytes that fit nowhere, or a skipped object above
 * 32 times max_bytes make the stream bad. One owner, one thread.
 */
#include "base/buf.h"

#define KUBE_SPLIT_DEPTH 64u

enum kube_split_mode {
	KUBE_SPLIT_LIST,
	KUBE_SPLIT_STREAM,
};

enum kube_split_what {
	KUBE_SPLIT_OBJECT,
	KUBE_SPLIT_ENVELOPE,
	KUBE_SPLIT_REJECTED,
};

/* @json is borrowed for the call. Not 0 stops the feed and is returned from it. */
typedef int kube_split_fn(void *ctx, enum kube_split_what what, struct str json);

struct kube_split {
	kube_split_fn *fn;
	void *ctx;
	size_t max_bytes;
	uint32_t max_tokens;

	/* the splitter's own */
	uint8_t mode, target, key_n;
	bool in_string, escaped, in_items, ended, bad, rejected;
	char key[8];
	uint32_t depth, tokens;
	uint64_t arrays; /* bit d: the bracket open at depth d is '[' */
	size_t skipped;
	struct buf object, envelope;
};

/* Ready for a new stream; keeps fn, ctx, limits and memory. */
void kube_split_reset(struct kube_split *s, enum kube_split_mode mode);

/*
 * 0; -EBADMSG: not such a stream; -ENOMEM; else what fn returned. After a failure only reset helps.
 */
int kube_split_feed(struct kube_split *s, struct str bytes);

/*
 * After the last byte: 0 when the stream ended between objects (a LIST: was complete), else
 * -EBADMSG.
 */
int kube_split_end(const struct kube_split *s);

void kube_split_free(struct kube_split *s);
