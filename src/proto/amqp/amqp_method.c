/* The table, sorted by number (tested). */
#include "proto/amqp/amqp_method.h"

#include <stdlib.h>

#define S AMQP_TO_SERVER
#define C AMQP_TO_CLIENT
#define B AMQP_BOTH

/* clang-format off */
static const struct amqp_method methods[] = {
	{ AMQP_ID(10, 10), "connection.start", C, AMQP_PLAIN },
	{ AMQP_ID(10, 11), "connection.start-ok", S, AMQP_REQUEST },
	{ AMQP_ID(10, 20), "connection.secure", C, AMQP_PLAIN },
	{ AMQP_ID(10, 21), "connection.secure-ok", S, AMQP_PLAIN },
	{ AMQP_ID(10, 30), "connection.tune", C, AMQP_ANSWER, .answers = 11 },
	{ AMQP_ID(10, 31), "connection.tune-ok", S, AMQP_PLAIN },
	{ AMQP_ID(10, 40), "connection.open", S, AMQP_REQUEST, .names = "q" },
	{ AMQP_ID(10, 41), "connection.open-ok", C, AMQP_ANSWER, .answers = 40 },
	{ AMQP_ID(10, 50), "connection.close", B, AMQP_CLOSE },
	{ AMQP_ID(10, 51), "connection.close-ok", B, AMQP_ANSWER, .answers = 50 },
	{ AMQP_ID(10, 60), "connection.blocked", C, AMQP_ONEWAY },
	{ AMQP_ID(10, 61), "connection.unblocked", C, AMQP_ONEWAY },
	{ AMQP_ID(10, 70), "connection.update-secret", S, AMQP_REQUEST },
	{ AMQP_ID(10, 71), "connection.update-secret-ok", C, AMQP_ANSWER, .answers = 70 },
	{ AMQP_ID(20, 10), "channel.open", S, AMQP_REQUEST },
	{ AMQP_ID(20, 11), "channel.open-ok", C, AMQP_ANSWER, .answers = 10 },
	{ AMQP_ID(20, 20), "channel.flow", B, AMQP_PLAIN },
	{ AMQP_ID(20, 21), "channel.flow-ok", B, AMQP_PLAIN },
	{ AMQP_ID(20, 40), "channel.close", B, AMQP_CLOSE },
	{ AMQP_ID(20, 41), "channel.close-ok", B, AMQP_ANSWER, .answers = 40 },
	{ AMQP_ID(40, 10), "exchange.declare", S, AMQP_REQUEST, 5, .names = "2qs" },
	{ AMQP_ID(40, 11), "exchange.declare-ok", C, AMQP_ANSWER, .answers = 10 },
	{ AMQP_ID(40, 20), "exchange.delete", S, AMQP_REQUEST, 2, .names = "2q" },
	{ AMQP_ID(40, 21), "exchange.delete-ok", C, AMQP_ANSWER, .answers = 20 },
	{ AMQP_ID(40, 30), "exchange.bind", S, AMQP_REQUEST, 1, .names = "2qss" },
	{ AMQP_ID(40, 31), "exchange.bind-ok", C, AMQP_ANSWER, .answers = 30 },
	{ AMQP_ID(40, 40), "exchange.unbind", S, AMQP_REQUEST, 1, .names = "2qss" },
	{ AMQP_ID(40, 51), "exchange.unbind-ok", C, AMQP_ANSWER, .answers = 40 },
	{ AMQP_ID(50, 10), "queue.declare", S, AMQP_REQUEST, 5, .names = "2q" },
	{ AMQP_ID(50, 11), "queue.declare-ok", C, AMQP_ANSWER, .answers = 10 },
	{ AMQP_ID(50, 20), "queue.bind", S, AMQP_REQUEST, 1, .names = "2qss" },
	{ AMQP_ID(50, 21), "queue.bind-ok", C, AMQP_ANSWER, .answers = 20 },
	{ AMQP_ID(50, 30), "queue.purge", S, AMQP_REQUEST, 1, .names = "2q" },
	{ AMQP_ID(50, 31), "queue.purge-ok", C, AMQP_ANSWER, .answers = 30 },
	{ AMQP_ID(50, 40), "queue.delete", S, AMQP_REQUEST, 3, .names = "2q" },
	{ AMQP_ID(50, 41), "queue.delete-ok", C, AMQP_ANSWER, .answers = 40 },
	{ AMQP_ID(50, 50), "queue.unbind", S, AMQP_REQUEST, .names = "2qss" },
	{ AMQP_ID(50, 51), "queue.unbind-ok", C, AMQP_ANSWER, .answers = 50 },
	{ AMQP_ID(60, 10), "basic.qos", S, AMQP_REQUEST },
	{ AMQP_ID(60, 11), "basic.qos-ok", C, AMQP_ANSWER, .answers = 10 },
	{ AMQP_ID(60, 20), "basic.consume", S, AMQP_REQUEST, 4, .names = "2qs" },
	{ AMQP_ID(60, 21), "basic.consume-ok", C, AMQP_ANSWER, .answers = 20 },
	{ AMQP_ID(60, 30), "basic.cancel", B, AMQP_REQUEST, 1, .names = "s" },
	{ AMQP_ID(60, 31), "basic.cancel-ok", B, AMQP_ANSWER, .answers = 30 },
	{ AMQP_ID(60, 40), "basic.publish", S, AMQP_ONEWAY, .names = "2xr" },
	{ AMQP_ID(60, 50), "basic.return", C, AMQP_ONEWAY, .names = "2sxr" },
	{ AMQP_ID(60, 60), "basic.deliver", C, AMQP_ONEWAY, .names = "s8bxr" },
	{ AMQP_ID(60, 70), "basic.get", S, AMQP_REQUEST, .names = "2q" },
	{ AMQP_ID(60, 71), "basic.get-ok", C, AMQP_ANSWER, .answers = 70 },
	{ AMQP_ID(60, 72), "basic.get-empty", C, AMQP_ANSWER, .answers = 70 },
	{ AMQP_ID(60, 80), "basic.ack", B, AMQP_SETTLE },
	{ AMQP_ID(60, 90), "basic.reject", S, AMQP_PLAIN },
	{ AMQP_ID(60, 100), "basic.recover-async", S, AMQP_PLAIN },
	{ AMQP_ID(60, 110), "basic.recover", S, AMQP_REQUEST },
	{ AMQP_ID(60, 111), "basic.recover-ok", C, AMQP_ANSWER, .answers = 110 },
	{ AMQP_ID(60, 120), "basic.nack", B, AMQP_SETTLE },
	{ AMQP_ID(85, 10), "confirm.select", S, AMQP_REQUEST, 1 },
	{ AMQP_ID(85, 11), "confirm.select-ok", C, AMQP_ANSWER, .answers = 10 },
	{ AMQP_ID(90, 10), "tx.select", S, AMQP_REQUEST },
	{ AMQP_ID(90, 11), "tx.select-ok", C, AMQP_ANSWER, .answers = 10 },
	{ AMQP_ID(90, 20), "tx.commit", S, AMQP_REQUEST },
	{ AMQP_ID(90, 21), "tx.commit-ok", C, AMQP_ANSWER, .answers = 20 },
	{ AMQP_ID(90, 30), "tx.rollback", S, AMQP_REQUEST },
	{ AMQP_ID(90, 31), "tx.rollback-ok", C, AMQP_ANSWER, .answers = 30 },
};
/* clang-format on */

static int compare(const void *key, const void *row)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct amqp_method *)row)->id;

	return a < b ? -1 : a > b;
}

const struct amqp_method *amqp_method(uint32_t id)
{
	return bsearch(&id, methods, sizeof(methods) / sizeof(methods[0]), sizeof(methods[0]),
		       compare);
}
