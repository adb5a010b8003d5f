/* Ids and names one behind the other, looked through from the begin: a connection asks for few. See topics.h. */
#include "proto/kafka/topics.h"

#include <stdlib.h>

#define ROW(name_n) (KAFKA_ID + 1u + (uint32_t)(name_n))
#define FIRST	    512

void kafka_topics_free(struct kafka_topics *t)
{
	free(t->rows);
	*t = (struct kafka_topics){ 0 };
}

struct str kafka_topics_find(const struct kafka_topics *t, struct str id)
{
	for (uint32_t at = 0; at < t->n; at += ROW(t->rows[at + KAFKA_ID]))
		if (memcmp(t->rows + at, id.p, KAFKA_ID) == 0)
			return (struct str){ (const char *)t->rows + at + KAFKA_ID + 1,
					     t->rows[at + KAFKA_ID] };
	return STR_NONE;
}

static bool topics_room(struct kafka_topics *t, uint32_t more)
{
	uint32_t cap = t->cap ? t->cap : FIRST;
	uint8_t *rows;

	if (t->n + more > KAFKA_TOPICS_BYTES)
		t->n = 0;
	while (cap < t->n + more)
		cap *= 2;
	if (cap == t->cap)
		return true;
	rows = realloc(t->rows, cap);
	if (!rows)
		return false;
	t->rows = rows;
	t->cap = cap;
	return true;
}

void kafka_topics_learn(struct kafka_topics *t, struct str id, struct str name)
{
	uint8_t *row;

	if (!name.n || name.n > KAFKA_TOPIC_NAME || kafka_id_zero(id) ||
	    kafka_topics_find(t, id).p || !topics_room(t, ROW(name.n)))
		return;
	row = t->rows + t->n;
	memcpy(row, id.p, KAFKA_ID);
	row[KAFKA_ID] = (uint8_t)name.n;
	memcpy(row + KAFKA_ID + 1, name.p, name.n);
	t->n += ROW(name.n);
}

bool kafka_id_zero(struct str id)
{
	static const char zero[KAFKA_ID];

	return memcmp(id.p, zero, KAFKA_ID) == 0;
}

void kafka_id_text(struct str id, char ret[KAFKA_ID_TEXT])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (unsigned i = 0; i < KAFKA_ID_TEXT; i++) {
		unsigned bit = i * 6, byte = bit / 8;
		unsigned two = (uint8_t)id.p[byte] << 8 |
			       (byte + 1 < KAFKA_ID ? (uint8_t)id.p[byte + 1] : 0);

		ret[i] = digits[two >> (10 - bit % 8) & 63];
	}
}
