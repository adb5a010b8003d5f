#pragma once
/*
 * Steps through the fields of one Kafka message as api.h lists them, at any pace: between two steps only where it
 * stands is kept, never bytes. The caller owns the walk and the cursor. Limits: arrays KAFKA_DEPTH deep, text
 * of KAFKA_TEXT bytes; a longer text, and every field that is only passed over, becomes a skip.
 */
#include "base/cur.h"
#include "proto/kafka/api.h"

#define KAFKA_DEPTH 4
#define KAFKA_TEXT  512
#define KAFKA_BATCH 61 /* bytes of a record batch's head */

enum kafka_step {
	KAFKA_GOT,  /* a value */
	KAFKA_MORE, /* the next field is not whole yet */
	KAFKA_OVER, /* *ret_skip bytes are to be passed over now; then on. A KAFKA_COUNT may be told with it */
	KAFKA_ENDED,  /* everything that is listed was read */
	KAFKA_BAD,    /* lengths that contradict each other */
	KAFKA_PASSED, /* inside: nothing to tell */
};

struct kafka_value {
	uint8_t means;
	int64_t number;
	struct str text; /* absent: null, or too long to be kept */
};

struct kafka_walk {
	const struct kafka_field *at; /* NULL: nothing to read */
	uint32_t left; /* bytes of the message not consumed, and not announced as a skip */
	uint32_t tags; /* tagged fields still to pass */
	uint8_t version, depth;
	bool flexible, in_tags;
	struct {
		const struct kafka_field *first;
		uint32_t left; /* elements */
	} level[KAFKA_DEPTH];
};

/* One step. Advances the cursor, which may hold more than the message, past what it consumed. */
enum kafka_step kafka_walk_step(struct kafka_walk *w, struct cur *bytes, struct kafka_value *ret,
				uint32_t *ret_skip);

/* Tagged fields come next (the end of a flexible header): they are passed first. */
void kafka_walk_tags(struct kafka_walk *w);

/* Big-endian; false: not there, nothing consumed. */
bool kafka_int(struct cur *c, unsigned bytes, int64_t *ret);
