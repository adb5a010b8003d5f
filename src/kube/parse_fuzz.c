/*
 * Any bytes as one API object: byte 0 picks type and scope. What parses must encode (or be too
 * large), and decode to the same record.
 */
#include <errno.h>
#include <stdlib.h>

#include "kube/parse.h"
#include "kube/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;

static void check_record(const struct kube_obj *o)
{
	struct buf one = { 0 }, two = { 0 };
	struct kube_obj back;
	int r = kube_obj_encode(&one, o);

	if (r == 0) {
		arena_reset(&arena);
		if (kube_obj_decode(cur_of(one.p, one.n), &arena, &back) ||
		    kube_obj_encode(&two, &back) || !str_eq(buf_slice(&one), buf_slice(&two)))
			abort();
	} else if (r != -E2BIG) {
		abort();
	}
	buf_free(&one);
	buf_free(&two);
}

static int object_fn(void *ctx, enum kube_split_what what, struct str json)
{
	unsigned pick = *(unsigned *)ctx;
	struct kube_meta meta;
	struct kube_obj o;
	uint64_t cut = 0;
	json_t *v;

	if (what != KUBE_SPLIT_OBJECT)
		return 0;
	v = kube_json_load(json);
	if (!v)
		return 0;
	kube_meta_parse(v, &meta);
	arena_reset(&arena);
	if (!kube_obj_parse(v, (enum kube_type)(pick % KUBE_TYPES),
			    (enum kube_scope)(pick / KUBE_TYPES % KUBE_SCOPES), &arena, &o, &cut))
		check_record(&o);
	json_decref(v);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned pick = size ? data[0] : 0;
	struct kube_split k = { .fn = object_fn, .ctx = &pick, .max_bytes = 65536, .max_tokens = 4096 };

	if (!arena.p && arena_init(&arena, KUBE_ARENA_BYTES))
		abort();
	kube_split_reset(&k, KUBE_SPLIT_STREAM);
	if (size)
		(void)kube_split_feed(&k, (struct str){ (const char *)data + 1, size - 1 });
	kube_split_free(&k);
	return 0;
}
