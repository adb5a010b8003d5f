#pragma once
/*
 * Pieces of OTLP messages for the files of this folder. @field: of the repeated KeyValue in its message. Absent and empty
 * values are left out.
 */
#include "out/otlp/encode.h"

/* A string field, made valid UTF-8; also an empty one. */
void otlp_text(struct buf *b, uint32_t field, struct str s);

void otlp_attr(struct buf *b, uint32_t field, const char *key, struct str value);
void otlp_attr_int(struct buf *b, uint32_t field, const char *key, uint64_t value);

/* By the conventions' table: an integer where it says so and the text is one. */
void otlp_attr_sem(struct buf *b, uint32_t field, enum sem_attr a, struct str value);

/* Attributes of the node, into a Resource. */
void otlp_resource_node(const struct otlp_node *n, struct buf *b);
