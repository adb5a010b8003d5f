/*
 * Any bytes, as a list and as a stream: the same objects must come out whole and in pieces, and
 * none above the limits.
 */
#include <stdlib.h>

#include "kube/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_BYTES 512u

struct sum {
	size_t calls, bytes;
};

static int sum_fn(void *ctx, enum kube_split_what what, struct str json)
{
	struct sum *s = ctx;

	if (what == KUBE_SPLIT_OBJECT &&
	    (json.n > MAX_BYTES || json.n < 2 || json.p[0] != '{' || json.p[json.n - 1] != '}'))
		abort();
	s->calls++;
	s->bytes += json.n;
	return 0;
}

static int run(struct kube_split *k, enum kube_split_mode mode, struct str in, size_t step)
{
	int r = 0;

	kube_split_reset(k, mode);
	for (size_t i = 0; !r && i < in.n; i += step)
		r = kube_split_feed(k, (struct str){ in.p + i, in.n - i < step ? in.n - i : step });
	return r ? r : kube_split_end(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_split k = { .fn = sum_fn, .max_bytes = MAX_BYTES, .max_tokens = 64 };
	struct str in = { (const char *)data, size };

	for (int mode = KUBE_SPLIT_LIST; mode <= KUBE_SPLIT_STREAM; mode++) {
		struct sum whole = { 0 }, pieces = { 0 };
		int a, b;

		k.ctx = &whole;
		a = run(&k, (enum kube_split_mode)mode, in, size ? size : 1);
		k.ctx = &pieces;
		b = run(&k, (enum kube_split_mode)mode, in, 3);
		if (a != b || whole.calls != pieces.calls || whole.bytes != pieces.bytes)
			abort();
	}
	kube_split_free(&k);
	return 0;
}
