#pragma once
/*
 * The methods of AMQP 0-9-1 (amqp0-9-1.pdf and the XML grammar behind it; RabbitMQ's confirm class and its
 * exchange.bind): names, which way they go, what answers what, and where in the arguments the names of things stand.
 */
#include "base/cur.h"

enum amqp_class {
	AMQP_CONNECTION = 10,
	AMQP_CHANNEL = 20,
	AMQP_EXCHANGE = 40,
	AMQP_QUEUE = 50,
	AMQP_BASIC = 60,
	AMQP_CONFIRM = 85,
	AMQP_TX = 90,
};

#define AMQP_ID(class, method) ((uint32_t)(class) << 16 | (method))

enum amqp_ids {
	AMQP_START_OK = AMQP_ID(AMQP_CONNECTION, 11),
	AMQP_TUNE = AMQP_ID(AMQP_CONNECTION, 30),
	AMQP_OPEN = AMQP_ID(AMQP_CONNECTION, 40),
	AMQP_CONNECTION_CLOSE = AMQP_ID(AMQP_CONNECTION, 50),
	AMQP_CHANNEL_OPEN = AMQP_ID(AMQP_CHANNEL, 10),
	AMQP_CHANNEL_CLOSE = AMQP_ID(AMQP_CHANNEL, 40),
	AMQP_PUBLISH = AMQP_ID(AMQP_BASIC, 40),
	AMQP_RETURN = AMQP_ID(AMQP_BASIC, 50),
	AMQP_ACK = AMQP_ID(AMQP_BASIC, 80),
	AMQP_NACK = AMQP_ID(AMQP_BASIC, 120),
	AMQP_GET_OK = AMQP_ID(AMQP_BASIC, 71),
	AMQP_GET_EMPTY = AMQP_ID(AMQP_BASIC, 72),
	AMQP_SELECT = AMQP_ID(AMQP_CONFIRM, 10),
};

enum amqp_way {
	AMQP_TO_SERVER = 1,
	AMQP_TO_CLIENT = 2,
	AMQP_BOTH = 3,
};

enum amqp_kind {
	AMQP_PLAIN, /* nothing to tell: part of the handshake, flow, acknowledgements of deliveries */
	AMQP_REQUEST, /* waits for its answer on the same channel */
	AMQP_ANSWER,
	AMQP_ONEWAY,
	AMQP_CLOSE,  /* with a code and a text */
	AMQP_SETTLE, /* ack, nack: of confirmed publishes when the server says it */
};

struct amqp_method {
	uint32_t id;
	const char *name;
	uint8_t way, kind;
	uint8_t nowait; /* bit in the flags behind the names that says no answer comes, plus 1; 0: none */
	uint16_t answers; /* AMQP_ANSWER: the method of the same class */
	const char *names; /* arguments: 2 a short to pass over, 8 a long long, b a byte; s a short string to pass
			    * over, q one that is the resource's name, x exchange, r routing key */
};

/* NULL: there is none of that number. */
const struct amqp_method *amqp_method(uint32_t id);
