/*
 * Any bytes as records of a few connections: what comes out can be printed, and nothing is left at the end. The
 * first byte: 1 with all protocols there are, else with those made for tests. A record: flags, id | role << 4, position (4), bytes not captured, length, bytes.
 */
#include "decode/streams.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "probe/stream/stream.h"
#include "proto/feed_line_test.h"
#include "proto/toy_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void on_request(void *ctx, const struct rec_stream *last, int8_t is_server,
		       const struct request *r)
{
	if (last->hdr.type != REC_STREAM || is_server < 0 || r->ok > REQ_OK_NO || !r->id)
		abort();
	buf_reset(ctx);
	feed_line(ctx, r, true);
}

static void on_verdict(void *ctx, uint64_t id, enum stream_verdict v)
{
	(void)ctx;
	if (id > 15 || v > STREAM_DROP)
		abort();
}

static bool record_make(struct cur *c, struct rec_stream *r, struct str *data)
{
	uint8_t flags, id, more, len;

	if (!cur_u8(c, &flags) || !cur_u8(c, &id) || !cur_u32(c, &r->pos) || !cur_u8(c, &more) ||
	    !cur_u8(c, &len) || !cur_str(c, len, data))
		return false;
	r->flags = flags;
	r->id = id & 15;
	r->role = (id >> 4) % 3;
	r->seen = len + more * (uint32_t)more * (uint32_t)more;
	r->hdr.time_ns += NS_PER_SEC / 4;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct proto *const protos_tested[] = { &toy, &toy_loud };
	_cleanup_(buf_free) struct buf line = { 0 };
	struct streams_opts o = { .request = on_request,
				  .verdict = on_verdict,
				  .protos = protos_tested,
				  .protos_n = 2,
				  .ctx = &line };
	struct rec_stream r = { .hdr = { .type = REC_STREAM, .len = sizeof(r) } };
	struct cur c = cur_of(data, n);
	struct streams_stats st;
	struct streams *s;
	struct str bytes;
	uint8_t mode;

	if (!cur_u8(&c, &mode))
		return 0;
	if (mode & 1)
		o.protos = NULL;

	if (streams_new(&o, &s) != 0)
		abort();
	while (record_make(&c, &r, &bytes)) {
		_cleanup_(freep) char *copy = malloc(bytes.n ? bytes.n : 1);

		if (!copy)
			abort();
		memcpy(copy, bytes.p, bytes.n);
		streams_record(s, &r, (struct str){ copy, bytes.n });
	}
	streams_end(s, (struct boot_ns){ r.hdr.time_ns });
	streams_stats(s, &st);
	if (st.held || st.connections_now || st.requests < st.unanswered)
		abort();
	streams_free(s);
	return 0;
}
