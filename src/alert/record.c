/* The spool's records. Reading assumes nothing: the file may be anything. */
#include "alert/record.h"

#include <errno.h>
#include <zlib.h>

#include "alert/alert.h"

static uint32_t crc_of(const void *p, size_t n)
{
	return (uint32_t)crc32_z(0, p, n);
}

int record_write(const struct alert *a, uint64_t seq, struct buf *b)
{
	struct record_head h = {
		.seq = seq,
		.time_ns = a->time.ns,
		.magic = RECORD_MAGIC,
		.priority = a->priority,
		.rule_n = (uint32_t)a->rule.n,
		.text_n = (uint32_t)a->text.n,
		.json_n = (uint32_t)a->json.n,
	};
	size_t body = a->rule.n + a->text.n + a->json.n, at = b->n + sizeof(h);

	if (body > RECORD_BODY_BYTES)
		return -E2BIG;
	buf_add(b, &h, sizeof(h));
	buf_str(b, a->rule);
	buf_str(b, a->text);
	buf_str(b, a->json);
	if (b->failed)
		return -ENOMEM;
	h.body_crc = crc_of(b->p + at, body);
	h.head_crc = crc_of(&h, offsetof(struct record_head, head_crc));
	memcpy(b->p + at - sizeof(h), &h, sizeof(h));
	return 0;
}

bool record_head_read(const void *p, struct record_head *ret)
{
	struct record_head h;

	memcpy(&h, p, sizeof(h));
	if (h.magic != RECORD_MAGIC || h.priority >= PRIORITIES ||
	    h.head_crc != crc_of(&h, offsetof(struct record_head, head_crc)))
		return false;
	if (h.rule_n > RECORD_BODY_BYTES || h.text_n > RECORD_BODY_BYTES ||
	    h.json_n > RECORD_BODY_BYTES || record_body(&h) > RECORD_BODY_BYTES)
		return false;
	*ret = h;
	return true;
}

bool record_body_ok(const struct record_head *h, const void *body)
{
	return crc_of(body, record_body(h)) == h->body_crc;
}

bool record_next(const void *p, size_t n, size_t *at, struct record_head *ret, size_t *ret_place,
		 uint64_t *damaged)
{
	struct cur c = cur_of((const uint8_t *)p + *at, n - *at);

	while (cur_left(&c) >= sizeof(*ret)) {
		const uint8_t *place = c.p;
		struct record_head h;
		struct cur body;

		if (!record_head_read(place, &h)) {
			(*damaged)++;
			c.p++;
			continue;
		}
		c.p += sizeof(h);
		if (!cur_sub(&c, record_body(&h), &body)) {
			*damaged += sizeof(h) + cur_left(&c); /* torn: nothing is behind it */
			c.p = c.end;
		} else if (!record_body_ok(&h, body.p)) {
			*damaged += sizeof(h) + record_body(&h);
		} else {
			*ret = h;
			*ret_place = (size_t)(place - (const uint8_t *)p);
			*at = (size_t)(c.p - (const uint8_t *)p);
			return true;
		}
	}
	*damaged += cur_left(&c);
	*at = n;
	return false;
}
