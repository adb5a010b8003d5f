/*
 * An interpreter of field lists. A step reads from a cursor that ends where the message does, so that a field which
 * does not fit in there is a contradiction and not something to wait for.
 */
#include "proto/kafka/walk.h"

#define PASSED	     KAFKA_PASSED
#define TAGS_MAX     1024
#define TAGS_UNKNOWN UINT32_MAX /* their count comes next */

bool kafka_int(struct cur *c, unsigned bytes, int64_t *ret)
{
	uint8_t b[8];
	uint64_t n;

	if (!cur_copy(c, b, bytes))
		return false;
	n = b[0] & 0x80 ? UINT64_MAX : 0;
	for (unsigned i = 0; i < bytes; i++)
		n = n << 8 | b[i];
	*ret = (int64_t)n;
	return true;
}

/* KAFKA_GOT, KAFKA_MORE or KAFKA_BAD. */
static enum kafka_step varint(struct cur *c, uint32_t *ret)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t b;

		if (!cur_u8(c, &b))
			return KAFKA_MORE;
		n |= (uint64_t)(b & 0x7f) << shift;
		if (b & 0x80)
			continue;
		if (n > UINT32_MAX)
			return KAFKA_BAD;
		*ret = (uint32_t)n;
		return KAFKA_GOT;
	}
	return KAFKA_BAD;
}

/* A length: varint of n + 1, or @bytes of n; -1 is null. */
static enum kafka_step length(const struct kafka_walk *w, struct cur *c, unsigned bytes, int64_t *ret)
{
	enum kafka_step s;
	uint32_t n;

	if (w->flexible) {
		s = varint(c, &n);
		if (s == KAFKA_GOT)
			*ret = (int64_t)n - 1;
		return s;
	}
	if (!kafka_int(c, bytes, ret))
		return KAFKA_MORE;
	return *ret < -1 ? KAFKA_BAD : KAFKA_GOT;
}

/* @n bytes are passed over, those that are there at once. */
static enum kafka_step pass(struct cur *c, size_t room, uint32_t n, uint32_t *ret_skip)
{
	if (n > room)
		return KAFKA_BAD;
	if (cur_skip(c, n))
		return PASSED;
	*ret_skip = n;
	return KAFKA_OVER;
}

/* The first of perhaps many batches (format 2: its magic stands at 16, its count at 57) tells its records. */
static enum kafka_step batch(struct cur *c, size_t room, uint32_t n, struct kafka_value *ret,
			     uint32_t *ret_skip)
{
	struct cur head;
	int64_t magic;

	if (n > room)
		return KAFKA_BAD;
	if (n >= KAFKA_BATCH) {
		if (cur_left(c) < KAFKA_BATCH)
			return KAFKA_MORE;
		head = cur_of(c->p, KAFKA_BATCH);
		if (cur_skip(&head, 16) && kafka_int(&head, 1, &magic) && magic == 2 &&
		    cur_skip(&head, 40) && kafka_int(&head, 4, &ret->number) && ret->number > 0)
			ret->means = KAFKA_COUNT;
	}
	return pass(c, room, n, ret_skip);
}

static enum kafka_step text(struct cur *c, size_t room, uint32_t n, struct kafka_value *ret,
			    uint32_t *ret_skip)
{
	if (n > room)
		return KAFKA_BAD;
	if (ret->means == KAFKA_PASS || n > KAFKA_TEXT)
		return pass(c, room, n, ret_skip);
	return cur_str(c, n, &ret->text) ? KAFKA_GOT : KAFKA_MORE;
}

/* @room: bytes from the cursor on that belong to the message, there or not. */
static enum kafka_step sized(struct kafka_walk *w, struct cur *c, size_t room,
			     struct kafka_value *ret, uint32_t *ret_skip)
{
	const uint8_t *from = c->p;
	unsigned bytes = w->at->type == KAFKA_STRING ? 2 : 4;
	enum kafka_step s;
	int64_t n;

	s = length(w, c, bytes, &n);
	if (s != KAFKA_GOT)
		return s;
	room -= (size_t)(c->p - from);
	if (n < 0)
		return PASSED;
	if (w->at->type == KAFKA_RECORDS) {
		ret->means = KAFKA_PASS;
		return batch(c, room, (uint32_t)n, ret, ret_skip);
	}
	return text(c, room, (uint32_t)n, ret, ret_skip);
}

static const struct kafka_field *close_of(const struct kafka_field *f)
{
	unsigned depth = 1;

	while (depth) {
		depth += f->type == KAFKA_ARRAY || f->type == KAFKA_LIST;
		depth -= f->type == KAFKA_CLOSE;
		f++;
	}
	return f;
}

/* Each element has at least one byte: more elements than bytes is a contradiction. */
static enum kafka_step array(struct kafka_walk *w, struct cur *c, size_t room)
{
	const uint8_t *from = c->p;
	enum kafka_step s;
	int64_t n;

	s = length(w, c, 4, &n);
	if (s != KAFKA_GOT)
		return s;
	if (n > (int64_t)(room - (size_t)(c->p - from)) || w->depth == KAFKA_DEPTH)
		return KAFKA_BAD;
	if (n <= 0) {
		w->at = close_of(w->at + 1);
		return PASSED;
	}
	w->level[w->depth].first = w->at + 1;
	w->level[w->depth++].left = (uint32_t)n;
	w->at++;
	return PASSED;
}

/* The end of an element; where structures are flexible their tagged fields come before it. */
static enum kafka_step closing(struct kafka_walk *w)
{
	bool structure = w->level[w->depth - 1].first[-1].type == KAFKA_ARRAY;

	if (w->flexible && structure && !w->in_tags) {
		kafka_walk_tags(w);
		return PASSED;
	}
	w->in_tags = false;
	if (--w->level[w->depth - 1].left) {
		w->at = w->level[w->depth - 1].first;
		return PASSED;
	}
	w->depth--;
	w->at++;
	return PASSED;
}

void kafka_walk_tags(struct kafka_walk *w)
{
	w->in_tags = true;
	w->tags = TAGS_UNKNOWN;
}

static enum kafka_step tag(struct kafka_walk *w, struct cur *c, size_t room, uint32_t *ret_skip)
{
	const uint8_t *from = c->p;
	enum kafka_step s;
	uint32_t n, size;

	s = varint(c, &n);
	if (s != KAFKA_GOT)
		return s;
	if (w->tags == TAGS_UNKNOWN) {
		w->tags = n;
		return n > TAGS_MAX ? KAFKA_BAD : PASSED;
	}
	s = varint(c, &size);
	if (s != KAFKA_GOT)
		return s;
	w->tags--;
	return pass(c, room - (size_t)(c->p - from), size, ret_skip);
}

static enum kafka_step number(struct kafka_walk *w, struct cur *c, struct kafka_value *ret)
{
	static const uint8_t bytes[] = {
		[KAFKA_INT8] = 1, [KAFKA_INT16] = 2, [KAFKA_INT32] = 4, [KAFKA_INT64] = 8
	};

	if (w->at->type == KAFKA_UUID)
		return cur_str(c, 16, &ret->text) ? KAFKA_GOT : KAFKA_MORE;
	return kafka_int(c, bytes[w->at->type], &ret->number) ? KAFKA_GOT : KAFKA_MORE;
}

/* One field from @c, which ends with the message or before it. */
static enum kafka_step field(struct kafka_walk *w, struct cur *c, struct kafka_value *ret,
			     uint32_t *ret_skip)
{
	const struct kafka_field *f = w->at;
	enum kafka_step s;

	if (w->in_tags && w->tags)
		return tag(w, c, w->left, ret_skip);
	if (!f || f->type == KAFKA_STOP)
		return KAFKA_ENDED;
	if (f->type == KAFKA_CLOSE)
		return closing(w);
	w->in_tags = false;
	*ret = (struct kafka_value){ .means = f->means };
	if (w->version < f->first || w->version > f->last) {
		w->at = f->type == KAFKA_ARRAY || f->type == KAFKA_LIST ? close_of(f + 1) : f + 1;
		return PASSED;
	}
	if (f->type == KAFKA_ARRAY || f->type == KAFKA_LIST)
		return array(w, c, w->left);
	s = f->type >= KAFKA_STRING ? sized(w, c, w->left, ret, ret_skip) : number(w, c, ret);
	if (s != KAFKA_MORE && s != KAFKA_BAD)
		w->at = f + 1;
	return s;
}

enum kafka_step kafka_walk_step(struct kafka_walk *w, struct cur *bytes, struct kafka_value *ret,
				uint32_t *ret_skip)
{
	struct kafka_value v;
	uint32_t skip = 0;
	enum kafka_step s;

	do {
		v = (struct kafka_value){ 0 };
		size_t n = cur_left(bytes) < w->left ? cur_left(bytes) : w->left;
		struct cur c = cur_of(bytes->p, n);

		s = field(w, &c, &v, &skip);
		if (s == KAFKA_MORE)
			return n == w->left ? KAFKA_BAD : KAFKA_MORE;
		if (s == KAFKA_BAD || s == KAFKA_ENDED)
			return s;
		w->left -= (uint32_t)(c.p - bytes->p) + skip;
		bytes->p = c.p;
		if (v.means == KAFKA_COUNT && s == PASSED)
			s = KAFKA_GOT;
	} while (s == PASSED || (s == KAFKA_GOT && v.means == KAFKA_PASS));
	*ret = v;
	*ret_skip = skip;
	return s;
}
