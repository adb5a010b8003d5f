/* Turns taken on a connection. Bytes are counted where they were captured or skipped; nothing is looked at. */
#include "proto/turns/turns.h"

#include "proto/exchange.h"

static enum proto_guess turns_guess(struct str head, bool usual)
{
	(void)head;
	(void)usual;
	return GUESS_NO;
}

static enum proto_result turns_parse(void *state, struct proto_io *io, struct cur *bytes)
{
	struct exchange *x = exchange_newest(io);
	size_t n = cur_left(bytes);

	(void)state;
	if (!n)
		return PROTO_MORE;
	bytes->p = bytes->end;
	if (io->dir == PROTO_TO_SERVER) {
		if (!x)
			x = exchange_begin(io, 0);
		if (x)
			x->req.request_bytes += n;
		return PROTO_OK;
	}
	if (x) {
		x->req.response_bytes += n;
		exchange_done(io, x);
	}
	return PROTO_OK;
}

/* Any byte can be a beginning; what was lost was of the same turn or of whole turns. */
static bool turns_resync(void *state, struct proto_io *io, struct cur *bytes)
{
	(void)state;
	(void)io;
	(void)bytes;
	return true;
}

const struct proto proto_turns = {
	.name = "tcp",
	.help = "questions and answers of an unknown protocol",
	.ports = (const uint16_t[]){ 0 },
	.stream = true,
	.guess = turns_guess,
	.parse = turns_parse,
	.resync = turns_resync,
};
