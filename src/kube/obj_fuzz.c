/* Any bytes as a record of an object: what decodes must encode to the same bytes. */
#include <stdlib.h>

#include "kube/obj.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	struct buf b = { 0 };
	struct kube_obj o;

	if (!arena.p && arena_init(&arena, KUBE_ARENA_BYTES))
		abort();
	arena_reset(&arena);
	if (!kube_obj_decode(cur_of(data, size), &arena, &o)) {
		if (kube_obj_encode(&b, &o) || b.n != size || memcmp(b.p, data, size))
			abort();
		buf_free(&b);
	}
	return 0;
}
