/* What the RFC says of each type stands in one table. */
#include "proto/http2/frame.h"

#define CHAIN_MAX 8
#define DATA_MAX  (1u << 20) /* a longer frame is allowed, but none to recognise the protocol by */
#define OTHER_MAX (1u << 14)

enum on_stream {
	ON_STREAM,
	ON_CONNECTION,
	ON_EITHER,
};

static const struct frame_kind {
	uint8_t flags; /* that have a meaning */
	uint8_t on;
	uint32_t min, max; /* of length */
} kinds[FRAME_TYPES] = {
	[FRAME_DATA] = { 0x09, ON_STREAM, 0, DATA_MAX },
	[FRAME_HEADERS] = { 0x2d, ON_STREAM, 1, OTHER_MAX },
	[FRAME_PRIORITY] = { 0, ON_STREAM, 5, 5 },
	[FRAME_RST_STREAM] = { 0, ON_STREAM, 4, 4 },
	[FRAME_SETTINGS] = { 0x01, ON_CONNECTION, 0, 600 },
	[FRAME_PUSH_PROMISE] = { 0x0c, ON_STREAM, 5, OTHER_MAX },
	[FRAME_PING] = { 0x01, ON_CONNECTION, 8, 8 },
	[FRAME_GOAWAY] = { 0, ON_CONNECTION, 8, OTHER_MAX },
	[FRAME_WINDOW_UPDATE] = { 0, ON_EITHER, 4, 4 },
	[FRAME_CONTINUATION] = { 0x04, ON_STREAM, 0, OTHER_MAX },
};

bool frame_read(struct cur *c, struct frame *ret)
{
	uint8_t b[FRAME_HEAD];

	if (!cur_copy(c, b, sizeof(b)))
		return false;
	*ret = (struct frame){
		.length = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2],
		.type = b[3],
		.flags = b[4],
		.stream = ((uint32_t)b[5] << 24 | (uint32_t)b[6] << 16 | (uint32_t)b[7] << 8 | b[8]) &
			  0x7fffffff,
	};
	return true;
}

const char *frame_wrong(const struct frame *f)
{
	const struct frame_kind *k = &kinds[f->type < FRAME_TYPES ? f->type : 0];

	if (f->type >= FRAME_TYPES)
		return NULL;
	if ((k->on == ON_STREAM && !f->stream) || (k->on == ON_CONNECTION && f->stream))
		return "frame-stream";
	if (f->length < k->min || (f->type != FRAME_DATA && k->max < OTHER_MAX && f->length > k->max))
		return "frame-length";
	if (f->type == FRAME_SETTINGS && (f->length % 6 || (f->flags & FRAME_ACK && f->length)))
		return "frame-length";
	return NULL;
}

bool frame_chain(struct str s, size_t *ret_frames, bool *ret_exact)
{
	struct cur c = cur_of(s.p, s.n);
	size_t n = 0;
	struct frame f;

	*ret_exact = false;
	while (n < CHAIN_MAX && cur_left(&c) >= FRAME_HEAD) {
		bool reserved = c.p[5] & 0x80;

		if (!frame_read(&c, &f) || reserved || f.type >= FRAME_TYPES || frame_wrong(&f) ||
		    f.flags & ~kinds[f.type].flags || f.length > kinds[f.type].max)
			return false;
		if (!cur_skip(&c, f.length))
			break;
		n++;
	}
	*ret_frames = n;
	*ret_exact = n > 0 && cur_left(&c) == 0;
	return true;
}

size_t frame_find(struct str s)
{
	size_t frames;
	bool exact;

	for (size_t at = 0; at + FRAME_HEAD <= s.n; at++)
		if (frame_chain(str_skip(s, at), &frames, &exact) && (exact || frames >= 2))
			return at;
	return s.n;
}

bool frame_block(const struct frame *f, struct str payload, struct str *ret)
{
	struct cur c = cur_of(payload.p, payload.n);
	size_t before = f->type == FRAME_PUSH_PROMISE ? 4 : f->flags & FRAME_PRIO ? 5 : 0;
	uint8_t padding = 0;

	if (f->flags & FRAME_PADDED && !cur_u8(&c, &padding))
		return false;
	if (!cur_skip(&c, before) || cur_left(&c) < padding)
		return false;
	*ret = (struct str){ (const char *)c.p, cur_left(&c) - padding };
	return true;
}
