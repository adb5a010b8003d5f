#pragma once
/*
 * An alert as it lies in the spool: a head and three strings. The head has a checksum of its own,
 * so that a damaged body costs one alert and a damaged head is searched over. Host byte order: a
 * spool does not leave its machine.
 *
 *	| head 48 | rule | text | json |
 */
#include "base/cur.h"
#include "rule/rule.h"

#define RECORD_MAGIC	  0x31414850u /* "PHA1" */
#define RECORD_BODY_BYTES (4u << 20)

struct alert;
struct buf;

struct record_head {
	uint64_t seq; /* counts all alerts of the spool */
	uint64_t time_ns;
	uint32_t magic;
	uint32_t priority;
	uint32_t rule_n, text_n, json_n;
	uint32_t body_crc;
	uint32_t zero;
	uint32_t head_crc; /* of what is before it */
};
_Static_assert(sizeof(struct record_head) == 48, "the spool's format");

static inline uint32_t record_body(const struct record_head *h)
{
	return h->rule_n + h->text_n + h->json_n;
}

/* Appends @a as number @seq. 0, -E2BIG, or -ENOMEM. */
int record_write(const struct alert *a, uint64_t seq, struct buf *b);

/* True for a whole and sound head; @p has sizeof(*ret) bytes. */
bool record_head_read(const void *p, struct record_head *ret);
bool record_body_ok(const struct record_head *h, const void *body);

/*
 * The next sound record at or behind *@at: its head and place; *at is set behind it, *damaged grows
 * by the bytes given up. False at the end.
 */
bool record_next(const void *p, size_t n, size_t *at, struct record_head *ret, size_t *ret_place,
		 uint64_t *damaged);
