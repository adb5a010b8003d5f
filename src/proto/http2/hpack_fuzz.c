/* Any blocks, one after the other, of a table that is known or not: bounded, and the state stays sane. */
#include <stdlib.h>

#include "base/cur.h"
#include "proto/http2/hpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void any(void *ctx, struct str name, struct str value)
{
	size_t *sum = ctx;

	for (size_t i = 0; i < name.n; i++)
		*sum += (uint8_t)name.p[i];
	for (size_t i = 0; i < value.n; i++)
		*sum += (uint8_t)value.p[i];
}

static bool some(struct str name)
{
	return name.n % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct hpack h;
	struct cur c = cur_of(data, n);
	size_t sum = 0;
	const struct hpack_sink sink = { any, n % 3 ? NULL : some, NULL, &sum };
	uint8_t first, len;
	struct str block;

	h = (struct hpack){ 0 };
	if (!cur_u8(&c, &first))
		return 0;
	if (first & 1)
		hpack_known(&h);
	while (cur_u8(&c, &len)) {
		size_t take = (size_t)len * 4 < cur_left(&c) ? (size_t)len * 4 : cur_left(&c);

		if (!cur_str(&c, take, &block))
			break;
		if (hpack_read(&h, block, &sink) && h.complete)
			abort();
		if (h.n > HPACK_ENTRIES || h.text_n > HPACK_TEXT ||
		    (h.complete && h.size > HPACK_TABLE_MAX))
			abort();
	}
	return 0;
}
