#pragma once
/*
 * Frames of HTTP/2 (RFC 9113, section 4): their heads, which of them can be, and where in a stream of bytes one
 * begins.
 *
 *	 0       3      4       5              9
 *	| length | type | flags | 0 stream id  | payload, `length` bytes
 */
#include "base/cur.h"

#define FRAME_HEAD 9

enum frame_type {
	FRAME_DATA,
	FRAME_HEADERS,
	FRAME_PRIORITY,
	FRAME_RST_STREAM,
	FRAME_SETTINGS,
	FRAME_PUSH_PROMISE,
	FRAME_PING,
	FRAME_GOAWAY,
	FRAME_WINDOW_UPDATE,
	FRAME_CONTINUATION,
	FRAME_TYPES
};

#define FRAME_ACK	  1 /* SETTINGS, PING */
#define FRAME_END_STREAM  1 /* DATA, HEADERS */
#define FRAME_END_HEADERS 4
#define FRAME_PADDED	  8
#define FRAME_PRIO	  0x20

struct frame {
	uint32_t length, stream;
	uint8_t type, flags;
};

/* False: fewer than FRAME_HEAD bytes. */
bool frame_read(struct cur *c, struct frame *ret);

/* NULL, or why there can be no such frame. Types that nobody knows can be. */
const char *frame_wrong(const struct frame *f);

/*
 * What a stretch of bytes looks like that would begin with a frame: false when it cannot; else how many whole frames
 * stand there, and whether they end where the bytes end. Strict: only known types and flags.
 */
bool frame_chain(struct str s, size_t *ret_frames, bool *ret_exact);

/* Where a frame begins of which one can be sure: an offset, or s.n. */
size_t frame_find(struct str s);

/* A header block's part of a HEADERS or PUSH_PROMISE payload: without padding and priority. False: it is not valid. */
bool frame_block(const struct frame *f, struct str payload, struct str *ret);
