#pragma once
/*
 * For fuzzers of parsers: any bytes as a conversation. A proto's fuzzer is
 *
 *	FEED_FUZZ(proto_x)
 *
 * The first byte is options: 1 raw, 2 datagrams, 4 met midway. Then chunk after chunk begins with a byte c: bit 0 the
 * direction (1: to the client); bit 1: a gap, whose length is the square of the byte that follows; otherwise the
 * chunk has (c >> 3) * 256 + the byte that follows bytes, and with bit 2 that many again were not captured.
 * FEED_CORPUS (feed_test.h) makes such inputs of test cases.
 *
 * What comes out must be a request that can be printed; at the end nothing may be left. Each chunk lies in an
 * allocation of its own size.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "proto/feed_line_test.h"
#include "proto/reader.h"

#define FEED_FUZZ(proto)                                           \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n); \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)  \
	{                                                          \
		feed_fuzz(&(proto), data, n);                      \
		return 0;                                          \
	}

static inline void feed_fuzz_done(void *ctx, struct window *w, struct exchange *x)
{
	(void)w;
	if (x->req.ok > REQ_OK_NO || x->used > EXCHANGE_TEXT || !x->req.protocol.n)
		abort();
	buf_reset(ctx);
	feed_line(ctx, &x->req, true);
}

static inline void feed_fuzz_chunk(struct reader *r, unsigned side, bool datagram, struct str bytes,
				   uint32_t lost, struct boot_ns now)
{
	_cleanup_(freep) char *copy = malloc(bytes.n ? bytes.n : 1);
	uint32_t seen = (uint32_t)bytes.n + lost;

	if (!copy)
		abort();
	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	bytes.p = copy;
	if (bytes.n) {
		enum proto_guess g = r->proto ? r->proto->guess(bytes, false) : GUESS_NO;

		if (g > GUESS_RESPONSE)
			abort();
	}
	if (datagram)
		reader_datagram(r, side, seen, bytes, now);
	else
		reader_feed_next(r, side, seen, bytes, now);
}

static inline void feed_fuzz_chunks(struct reader *r, struct cur *c, bool datagram)
{
	uint8_t head, low;

	for (uint64_t t = 1; cur_u8(c, &head) && cur_u8(c, &low); t++) {
		size_t n = head & 2 ? 0 : (size_t)(head >> 3) << 8 | low;
		uint32_t lost = head & 2 ? (uint32_t)low * low : head & 4 ? (uint32_t)n : 0;
		struct str bytes = { (const char *)c->p, n < cur_left(c) ? n : cur_left(c) };

		c->p += bytes.n;
		feed_fuzz_chunk(r, head & 1, datagram, bytes, lost,
				(struct boot_ns){ t * NS_PER_MS });
	}
}

static inline void feed_fuzz(const struct proto *p, const uint8_t *data, size_t n)
{
	_cleanup_(buf_free) struct buf line = { 0 };
	struct readers env = { .held.max = 1u << 20, .pool.done = feed_fuzz_done, .pool.ctx = &line };
	struct reader r;
	struct cur c = cur_of(data, n);
	uint8_t options;

	if (!cur_u8(&c, &options))
		return;
	env.opts.raw = options & 1;
	env.pool.max = 64; /* so that pushing out happens */
	reader_init(&r, &env, NULL);
	r.midway = options & 4;
	if (reader_start(&r, p, 0) != 0)
		abort();
	feed_fuzz_chunks(&r, &c, options & 2);
	reader_close(&r, (struct boot_ns){ NS_PER_SEC });
	if (env.pool.n || env.held.used)
		abort();
	exchange_pool_free(&env.pool);
}
