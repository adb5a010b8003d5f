#pragma once
/*
 * The calls of Kafka's protocol, one row each: number, name, the first version with "flexible" encoding
 * (compact lengths, tagged fields), the last version known here, and the fields of request and answer. Error
 * codes by name. Source: the message definitions of Apache Kafka (clients/src/main/resources/common/message,
 * trunk of October 2024, and 4.1's additions), and its table of errors (common/protocol/Errors).
 *
 * Fields stand in the order of the wire, down to the last one that is used; what follows it is skipped by the
 * message's length. Newer versions than `last` are named and counted, their fields not read.
 */
#include <stdbool.h>
#include <stdint.h>

#define KAFKA_NEVER 255 /* first flexible version of calls that have none */

enum kafka_type {
	KAFKA_STOP, /* the end of what is read */
	KAFKA_INT8,
	KAFKA_INT16,
	KAFKA_INT32,
	KAFKA_INT64,
	KAFKA_UUID,
	KAFKA_STRING,  /* or null */
	KAFKA_BYTES,   /* or null */
	KAFKA_RECORDS, /* bytes, of which the first batch's head is looked at */
	KAFKA_ARRAY,   /* of structures: the fields up to its CLOSE */
	KAFKA_LIST,    /* of plain values: one field and the CLOSE */
	KAFKA_CLOSE,
};

/* What a value is to us. */
enum kafka_meaning {
	KAFKA_PASS,
	KAFKA_NAME, /* topic, group, transaction, mechanism: what the call is about */
	KAFKA_TOPIC_ID,
	KAFKA_PARTITION,
	KAFKA_ACKS,
	KAFKA_ERROR,
	KAFKA_MESSAGE, /* told with an error */
	KAFKA_COUNT,   /* records of a batch */
};

struct kafka_field {
	uint8_t type, means, first, last; /* versions that have it */
};

struct kafka_api {
	uint8_t key, flexible, last;
	const char *name;
	const struct kafka_field *request, *answer; /* NULL: not read */
};

/* NULL: no such call. */
const struct kafka_api *kafka_api_find(uint16_t key);

/* "NONE", "UNKNOWN_TOPIC_OR_PARTITION", ...; NULL: not known. */
const char *kafka_error_name(int16_t code);
