#pragma once
/*
 * Names of topics by their id, as the answers of one connection told them: fetches from version 13 on say ids alone.
 * Bounded by KAFKA_TOPICS_BYTES; when that is full everything is forgotten, and learned again from the next Metadata.
 * An id that is not known is written as Kafka's own tools do, in 22 characters (base64url).
 */
#include "base/str.h"

#define KAFKA_TOPICS_BYTES 8192
#define KAFKA_TOPIC_NAME   249 /* bytes a topic's name may have */
#define KAFKA_ID	   16
#define KAFKA_ID_TEXT	   22

struct kafka_topics {
	uint8_t *rows; /* each: id, length, name */
	uint32_t n, cap;
};

void kafka_topics_free(struct kafka_topics *t);

/* Not when it is too long, or when there is no memory. */
void kafka_topics_learn(struct kafka_topics *t, struct str id, struct str name);

/* Borrowed until the next learn; absent: not known. */
struct str kafka_topics_find(const struct kafka_topics *t, struct str id);

/* No topic has it. */
bool kafka_id_zero(struct str id);

void kafka_id_text(struct str id, char ret[KAFKA_ID_TEXT]);
